/** Whatever is declared, bound and taken away, in any order: nothing outside or inside has two owners. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { faultsOf } from '../../../src/controller/invariants.js';
import { step, type Command } from '../../../src/controller/state.js';
import { viewsOf } from '../../../src/controller/views.js';
import { DvrError } from '../../../src/model/errors.js';
import { parseTopology } from '../../../src/model/topology.js';
import { restored } from './kept.js';
import { attachCommand, bind } from './support.js';

const nodes = ['cn1', 'cn2', 'nn1', 'nn2'] as const;
const routerAddresses = { r1: '10.1.0.1', r2: '10.1.0.2', r3: '10.1.0.3' } as const;

interface Declared {
  readonly networkNodes: readonly string[];
  readonly routers: readonly (keyof typeof routerAddresses)[];
  readonly gateways: readonly string[];
  readonly pool: number;
  readonly floating: readonly number[];
}

/** Small pools and subnets, so that they run full now and then. */
function textOf({ networkNodes, routers, gateways, pool, floating }: Declared): string {
  const lines = nodes.map((name, at) => {
    const uplink = name === 'cn2' ? '' : ', provider: { physnet1: ex0 }';
    return `  ${name}: { vtep: 172.16.0.1${at}${uplink}, network_node: ${networkNodes.includes(name)} }`;
  });
  return [
    'underlay: { cidr: 172.16.0.0/24, mtu: 1600 }', 'nodes:', ...lines,
    'networks: { red: { subnets: [10.1.0.0/28] }, green: { subnets: [10.2.0.0/24] } }',
    'external_networks:',
    `  ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24, pool: 203.0.113.20-203.0.113.${20 + pool} }] }`,
    'routers:',
    ...routers.map((id) => {
      const interfaces = `interfaces: [{ network: red, ip: ${routerAddresses[id]} }]`;
      return `  ${id}: { ${id === 'r1' ? 'networks: [green], ' : ''}${interfaces}${gateways.includes(id) ? ', gateway: ext' : ''} }`;
    }),
    'ports: { vm1: { network: red }, vm2: { network: green }, vm3: { network: red } }',
    'floating_ips:',
    ...floating.map((last) => `  203.0.113.${last}: { ${last % 2 === 0 ? 'port: vm1' : ''} }`),
  ].join('\n');
}

const declared: fc.Arbitrary<Declared> = fc.record({
  networkNodes: fc.subarray(['nn1', 'nn2']),
  routers: fc.subarray(['r1', 'r2', 'r3'] as const),
  gateways: fc.subarray(['r1', 'r2', 'r3']),
  pool: fc.integer({ min: 2, max: 12 }),
  floating: fc.uniqueArray(fc.integer({ min: 19, max: 25 }), { maxLength: 3 }),
});

const names = fc.constantFrom('vm1', 'vm2', 'vm3');
const command: fc.Arbitrary<Command | Declared> = fc.oneof(
  declared,
  fc.tuple(names, fc.constantFrom(...nodes)).map(([name, node]) => bind(name, node)),
  names.map((name): Command => ({ command: 'detachPort', name })),
  fc.tuple(fc.integer({ min: 0, max: 9 }), fc.constantFrom(...nodes))
    .map(([at, node]) => attachCommand(`c${at}`, { network: 'red', node })),
  fc.constantFrom(...nodes).map((node): Command => ({ command: 'removeNode', node })),
);

/** The command of a declaration; undefined where the file itself is refused. */
function commandOf(one: Command | Declared): Command | undefined {
  if ('command' in one) return one;
  try {
    return { command: 'applyTopology', topology: parseTopology(textOf(one)) };
  } catch (error) {
    if (error instanceof DvrError) return undefined;
    throw error;
  }
}

const expectDistinct = (values: readonly string[]): void => expect([...values].sort()).toEqual([...new Set(values)].sort());

/** What views say of the way out is complete where it is said, and said on the right nodes only. */
function expectWholeViews({ intent }: ControllerState): void {
  const done: string[] = [];
  for (const [node, { routers, externalNetworks = [], networks }] of viewsOf(intent).content) {
    for (const { gateway, floatingIps = [] } of routers) {
      if (gateway === undefined) continue;
      const external = externalNetworks.find(({ name }) => name === gateway.network);
      expect(external?.fg === undefined).toBe(node === 'cn2');
      for (const { network } of gateway.snatPorts) expect(networks.map(({ name }) => name)).toContain(network);
      for (const { ip, placement } of floatingIps) {
        if (placement === 'central') expect(gateway.election?.candidates ?? [gateway.node]).toContain(node);
        // Those who stand by have it ready.
        if (placement === 'distributed' || node === gateway.node) done.push(ip);
      }
    }
  }
  expectDistinct(done);
}

it('no address or MAC has two owners, no floating IP two nodes, and the store keeps it all', () => {
  let settled = 0;
  fc.assert(
    fc.property(declared, fc.array(command, { maxLength: 12 }), (first, rest) => {
      let state: ControllerState = emptyState;
      for (const one of [first, ...rest]) {
        const next = commandOf(one);
        const result = next === undefined ? undefined : step(state, next);
        if (result === undefined || result instanceof DvrError) continue;
        state = result.state;
        settled += state.intent.gateways.size;
        expect(faultsOf(state.intent)).toEqual([]);
        expectWholeViews(state);
        expect(restored(state.intent)).toEqual(state.intent);
      }
    }),
    { numRuns: 150 },
  );
  // Were all refused, nothing would have been looked at.
  expect(settled).toBeGreaterThan(100);
}, 60_000);

it('what is applied again gives back what there was, whatever was there before', () => {
  fc.assert(
    fc.property(declared, fc.array(command, { maxLength: 8 }), (last, before) => {
      const apply = commandOf(last);
      if (apply === undefined) return;
      let state: ControllerState = emptyState;
      for (const one of [...before.map(commandOf), apply]) {
        const result = one === undefined ? undefined : step(state, one);
        if (result === undefined) continue;
        if (!(result instanceof DvrError)) state = result.state;
        else if (one === apply) return;
      }
      const again = step(state, apply);
      if (again instanceof DvrError) throw again;
      expect(again.state.intent).toEqual(state.intent);
    }),
    { numRuns: 150 },
  );
}, 60_000);
