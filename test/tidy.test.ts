/**
 * The tree's own rules, measured: who may include whom, what stands at the top level, where the memory
 * model is spoken of, how long files get. Tidy measures; people decide, by changing the lists here.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n').filter((file) => file !== '' && existsSync(join(root, file)));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const under = (folder: string, ...endings: string[]): string[] =>
  files.filter((file) => file.startsWith(`${folder}/`) && endings.some((ending) => file.endsWith(ending)));

/** A folder may use itself and what is listed. */
const nativeMayInclude: Record<string, readonly string[]> = {
  base: [],
  packet: ['base'],
  tables: ['packet', 'base'],
  stage: ['tables', 'packet', 'base'],
  'br-int': ['stage', 'tables', 'packet', 'base'],
  'br-tun': ['stage', 'tables', 'packet', 'base'],
  'br-ex': ['stage', 'tables', 'packet', 'base'],
  router: ['stage', 'tables', 'packet', 'base'],
  pipeline: ['br-int', 'br-tun', 'br-ex', 'router', 'stage', 'tables', 'packet', 'base'],
  gso: ['tables', 'packet', 'base'],
  io: ['gso', 'packet', 'base'],
  worker: ['io', 'gso', 'pipeline', 'stage', 'tables', 'packet', 'base'],
  'node-api': ['worker', 'io', 'gso', 'pipeline', 'stage', 'tables', 'packet', 'base'],
};

const typescriptMayImport: Record<string, readonly string[]> = {
  model: [],
  types: [],
  dataplane: ['model'],
  namespaces: ['model'],
  controller: ['model'],
  trace: ['model', 'dataplane'],
  agents: ['namespaces', 'dataplane', 'model', 'trace'],
  lab: ['model'],
  cli: ['agents', 'lab', 'trace', 'controller', 'namespaces', 'dataplane', 'model'],
};

function wrongUses(uses: readonly { file: string; from: string; to: string }[], allowed: Record<string, readonly string[]>): string[] {
  return uses.filter(({ from, to }) => from !== to && !(allowed[from] ?? []).includes(to)).map(({ file, to }) => `${file} uses ${to}`);
}

describe('dependency direction', () => {
  it('lets each native folder include only the folders before it on the packet\'s way', () => {
    const uses = under('native', '.cc', '.hpp').flatMap((file) =>
      [...read(file).matchAll(/#include "([a-z-]+)\//g)].map((match) => ({ file, from: file.split('/')[1] ?? '', to: match[1] ?? '' })));
    expect(uses.length).toBeGreaterThan(50);
    expect(wrongUses(uses, nativeMayInclude)).toEqual([]);
  });

  it('lets each TypeScript folder import only the folders it may lean on', () => {
    const uses = under('src', '.ts').flatMap((file) =>
      [...read(file).matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].map((match) => {
        const target = normalize(join(dirname(file), match[1] ?? ''));
        return { file, from: file.split('/')[1] ?? '', to: target.split('/')[1] ?? '' };
      }));
    expect(uses.length).toBeGreaterThan(50);
    expect(wrongUses(uses, typescriptMayImport)).toEqual([]);
  });

  it('keeps Node headers inside native/node-api', () => {
    const offenders = under('native', '.cc', '.hpp').filter((file) => !file.includes('/node-api/') && /#include <(napi|node_api|node)\.h>/.test(read(file)));
    expect(offenders).toEqual([]);
  });
});

describe('the memory model', () => {
  it('is spoken of in five named files only', () => {
    const speakers = under('native', '.cc', '.hpp').filter((file) => read(file).includes('memory_order'));
    const named = [
      'native/io/bell.hpp', 'native/tables/epoch.hpp', 'native/tables/published.hpp',
      'native/worker/counters.hpp', 'native/worker/ring.hpp',
    ];
    expect(speakers.filter((file) => !named.includes(file))).toEqual([]);
  });
});

describe('the tree', () => {
  it('has no other folder at the top than the user named, docs and .ci', () => {
    const folders = new Set(files.filter((file) => file.includes('/')).map((file) => file.split('/')[0]));
    expect([...folders].sort()).toEqual(['.ci', 'docs', 'native', 'scripts', 'src', 'test']);
  });

  it('holds no registry address in the lock file', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"/);
  });

  it('keeps files short enough to read in one sitting', () => {
    const generated = ['src/dataplane/pipeline.ts'];
    const long = [...under('src', '.ts'), ...under('native', '.cc', '.hpp'), ...under('scripts', '.sh')]
      .filter((file) => !generated.includes(file) && read(file).split('\n').length > 320);
    expect(long).toEqual([]);
  });

  it('keeps tests short enough to read in one sitting', () => {
    // Each walks through one interface, call by call, and would say less in two.
    const decided = ['test/unit/controller/server.test.ts', 'test/unit/controller/state.test.ts'];
    const long = under('test', '.ts', '.cc', '.hpp', '.mjs')
      .filter((file) => !decided.includes(file) && read(file).split('\n').length > 420);
    expect(long).toEqual([]);
  });

  it('keeps lines narrow enough for a screen', () => {
    const decided = ['src/dataplane/pipeline.ts', 'src/dataplane/native.ts', 'scripts/dev/generate.mjs'];
    const wide = [...under('src', '.ts'), ...under('native', '.cc', '.hpp'), ...under('scripts', '')]
      .filter((file) => !decided.includes(file))
      .flatMap((file) => read(file).split('\n').flatMap((line, at) => ([...line].length > 140 ? [`${file}:${at + 1}`] : [])));
    expect(wide).toEqual([]);
  });

  it('begins every source file by saying where it stands', () => {
    const silent = [...under('src', '.ts'), ...under('native', '.hpp'), ...under('scripts', '.sh')]
      .filter((file) => !/^(#!.*\n)?(\/\/|\/\*\*|#) ?\S?/.test(read(file)));
    expect(silent).toEqual([]);
  });

  it('speaks of itself alone', () => {
    const foreign = files.filter((file) => !file.startsWith('test/fuzz/corpus/') && file !== 'test/tidy.test.ts' && !file.endsWith('package-lock.json'))
      .filter((file) => /\/work\/|\.\.\/shared|\bhelper-\d/.test(read(file)));
    expect(foreign).toEqual([]);
  });
});
