import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Controller } from '../../../src/controller/controller.js';
import { emptyIntent } from '../../../src/controller/intent.js';
import { FileStore, type Store } from '../../../src/controller/store.js';
import { apply, attachCommand, seedState, seedText } from './support.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-store-'));
  file = join(folder, 'controller', 'state.json');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('the state on disk', () => {
  it('is empty where nothing was saved', () => {
    expect(new FileStore(file).load()).toEqual(emptyIntent);
  });

  it('is read back as it was saved, by root alone, with nothing beside it', () => {
    const { intent } = seedState();
    new FileStore(file).save(intent);
    expect(new FileStore(file).load()).toEqual(intent);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'controller'))).toEqual(['state.json']);
  });

  it('takes a router that was saved before there were modes for one that routes by itself', () => {
    const { intent } = seedState();
    new FileStore(file).save(intent);
    const older = readFileSync(file, 'utf8').replace(/,\s*"routing": "auto"/, '');
    writeFileSync(file, older);
    expect(older).not.toContain('routing');
    expect(new FileStore(file).load()).toEqual(intent);
  });

  it('is taken from the last whole file when a crash left half of a new one', () => {
    const { intent } = seedState();
    new FileStore(file).save(intent);
    writeFileSync(`${file}.new`, '{"version":1,"gener');
    expect(new FileStore(file).load()).toEqual(intent);
    new FileStore(file).save(emptyIntent);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it.each<[string, (text: string) => string, string]>([
    ['is cut off', (text) => text.slice(0, 100), 'JSON'],
    [
      'is of another version',
      (text) => text.replace('"version": 1', '"version": 2'),
      'version is not 1',
    ],
    [
      'has a router that routes in no known way',
      (text) => text.replace('"routing": "auto"', '"routing": "quick"'),
      'state.routers[0].routing is not one of auto, namespace, fast',
    ],
    [
      'lacks a value',
      (text) => text.replace('"dvrMac": "fa:16:3f:00:00:01"', '"other": 1'),
      'state.nodes[0].dvrMac is missing',
    ],
    [
      'holds a broken address',
      (text) => text.replace('10.1.0.11', '10.1.0.999'),
      'state.ports[0].ips[0] is not an IP address',
    ],
  ])('that %s stops the start', (_what, damage, why) => {
    new FileStore(file).save(seedState().intent);
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect(() => new FileStore(file).load()).toThrow(
      expect.objectContaining({
        code: 'DVR_STATE_UNREADABLE',
        message: expect.stringContaining(why) as string,
      }) as Error,
    );
  });
});

describe('a controller', () => {
  it('has the same allocations and generation after a restart', () => {
    const first = Controller.open(new FileStore(file));
    first.execute(apply(seedText));
    first.execute(attachCommand('vm1'));
    first.execute(attachCommand('c1', { network: 'green', node: 'nn1' }));
    const second = Controller.open(new FileStore(file));
    expect(second.intent).toEqual(first.intent);
    expect(second.view('cn1')).toEqual({
      ...first.view('cn1'),
      generation: second.intent.generation,
    });
  });

  it('changes nothing where the disk cannot be written', () => {
    const broken: Store = {
      load: () => emptyIntent,
      save: () => {
        throw new Error('no space left on device');
      },
    };
    const controller = Controller.open(broken);
    expect(() => controller.execute(apply(seedText))).toThrow('no space left on device');
    expect(controller.intent).toBe(emptyIntent);
  });

  it('tells listeners a view exactly when its content has changed', () => {
    const controller = Controller.open(new FileStore(file));
    controller.execute(apply(seedText));
    const told: string[] = [];
    controller.listen({ view: (node, { generation }) => told.push(`${node} ${generation}`) });
    controller.execute(attachCommand('vm1'));
    controller.execute(attachCommand('vm1'));
    controller.execute(apply(seedText));
    controller.execute(attachCommand('vm2'));
    expect(told).toEqual(['cn1 2', 'cn1 3', 'cn2 3']);
  });
});
