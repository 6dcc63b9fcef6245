/** Our own lab, brought up as people do, with `wire: super`: nothing on the wire is cut for captures. */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Commands, root } from '../commands.js';
import { readEngine } from '../engine.js';
import type { Picture } from '../picture.js';
import { withoutBridgeFilters } from './fabric.js';
import type { Peer } from './peer.js';

export const defaultTopologyFile = `${root}scripts/lab/topology.yaml`;
const at = (name: string): string => `dvr-${name}`;
const dvr = `${root}scripts/dvr`;

export function dvrPeer(commands: Commands, picture: Picture): Peer {
  return {
    name: 'dvr',
    title: 'this checkout: the lab of the default topology, wire: super',
    leadsOutside: true,
    namespaceOf: at,
    missing: () => Promise.resolve(undefined),
    up: async () => {
      const file = join(tmpdir(), `dvr-bench-${process.pid}.yaml`);
      writeFileSync(file, withSuperWire(readFileSync(defaultTopologyFile, 'utf8')));
      await commands.run([dvr, 'lab', 'up', file]);
      // The wire is the same for every peer: a bridge without iptables hooks (fabric.ts).
      await commands.run(withoutBridgeFilters(at('fabric')));
    },
    down: async () => { await commands.try([dvr, 'lab', 'down']); },
    read: () => readEngine(picture.nodes.map(({ name }) => name)),
  };
}

/** @throws if the topology does not say what its wire is. */
export function withSuperWire(topology: string): string {
  const changed = topology.replace(/^wire: .*$/m, 'wire: super');
  if (!/^wire: super$/m.test(changed)) throw new Error('the default topology has no line "wire: …"');
  return changed;
}
