/** The addon is built twice from one source list, by node-gyp for users and by CMake for developers. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { NativeAddon } from '../../../src/dataplane/native.js';
import { admitRows, encodeBatch, replaceAll, type Row } from '../../../src/dataplane/rows.js';
import { echoFrame } from '../../../src/trace/echo.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const load = (file: string): NativeAddon => createRequire(import.meta.url)(root + file) as NativeAddon;
const byGyp = load('build/Release/dvr_native.node');
const byCmake = load('build-cmake/Release/dvr_native.node');

const [vm, other] = ['fa:16:3e:00:00:0a', 'fa:16:3e:00:00:0b'];
const rows: Row[] = [
  { table: 'ports', key: { port: 16 }, value: { kind: 'vm', local_vlan: 1, mac: vm, port_security: true } },
  { table: 'allowed_sources', key: { port: 16, mac: vm, ip: '', prefix_bits: 128 }, value: {} },
  { table: 'allowed_sources', key: { port: 16, mac: vm, ip: '10.1.0.10', prefix_bits: 128 }, value: {} },
  { table: 'networks', key: { local_vlan: 1 }, value: { vni: 101, mtu_bytes: 1500 } },
  { table: 'ucast_to_tun', key: { local_vlan: 1, mac: other }, value: { vtep: '172.16.0.12', learned: false, stale: false } },
];

/** What a pipeline does with an echo of the VM, without the moment it did it. */
function passage(addon: NativeAddon): unknown {
  const dataplane = new addon.MemoryDataplane();
  dataplane.apply(encodeBatch(1, replaceAll(admitRows(rows).rows)));
  const frame = echoFrame({
    srcMac: vm, dstMac: other, srcIp: '10.1.0.10', dstIp: '10.1.0.11', ttl: 64, id: 1, sequence: 1,
    marker: new Uint8Array(16).fill(7),
  });
  const { verdict, out, records } = dataplane.run({ inPort: 16, frame });
  return { verdict, out, records: records.map((record) => ({ ...record, timeNs: 0 })) };
}

describe('the addon built by node-gyp and the one built by CMake', () => {
  it('export the same names', () => {
    expect(Object.keys(byCmake).sort()).toEqual(Object.keys(byGyp).sort());
    const methods = (addon: NativeAddon): string[] => Object.getOwnPropertyNames(addon.Dataplane.prototype).sort();
    expect(methods(byCmake)).toEqual(methods(byGyp));
  });

  it('describe the same pipeline', () => {
    expect(byCmake.describe()).toEqual(byGyp.describe());
  });

  it('pass a packet the same way, to the byte', () => {
    expect(passage(byCmake)).toEqual(passage(byGyp));
    expect(passage(byGyp)).toMatchObject({ verdict: 'output', out: [{ port: 1, vtep: '172.16.0.12' }] });
  });
});

describe('what is generated from the pipeline', () => {
  it('is what stands in the tree', () => {
    const generate = (): string => execFileSync(process.execPath, [`${root}scripts/dev/generate.mjs`, '--check'], { encoding: 'utf8' });
    expect(generate).not.toThrow();
    expect(readFileSync(`${root}src/dataplane/pipeline.ts`, 'utf8')).toContain('"name":"dvr_process"');
  });
});
