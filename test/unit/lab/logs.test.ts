import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boundLogs, lastLines } from '../../../src/lab/logs.js';

let dir = '';
beforeEach(() => { dir = mkdtempSync(join(tmpdir(), 'dvr-logs-')); });
afterEach(() => { rmSync(dir, { recursive: true }); });

describe('logs of a lab', () => {
  it('keep their end, from the start of a line, when they grow too long', () => {
    const path = join(dir, 'agent-cn1.log');
    writeFileSync(path, Array.from({ length: 200_000 }, (_, at) => `line ${at}\n`).join(''));
    boundLogs(dir);
    appendFileSync(path, 'one more\n');
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(statSync(path).size).toBeLessThan(300_000);
    expect(lines[0]).toMatch(/^line \d+$/);
    expect(lines.slice(-3)).toEqual(['line 199999', 'one more', '']);
  });

  it('are left alone while they are short', () => {
    writeFileSync(join(dir, 'agent-cn1.log'), 'all of it\n');
    boundLogs(dir);
    expect(readFileSync(join(dir, 'agent-cn1.log'), 'utf8')).toBe('all of it\n');
  });

  it('give their last lines for an error, and nothing where there is no log', () => {
    writeFileSync(join(dir, 'a.log'), 'one\ntwo\nthree\n');
    expect(lastLines(join(dir, 'a.log'), 2)).toBe('two\nthree');
    expect(lastLines(join(dir, 'b.log'), 2)).toBe('');
  });
});
