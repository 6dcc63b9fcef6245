/** Random histories of a cloud with a way out, for what must hold whatever changes. */
import fc from 'fast-check';
import { emptyState, type ControllerState, type Intent } from '../../../src/controller/intent.js';
import { step, type Command } from '../../../src/controller/state.js';
import { DvrError } from '../../../src/model/errors.js';
import { parseTopology } from '../../../src/model/topology.js';
import { attachCommand, bind } from './support.js';

const nodes = ['cn1', 'cn2', 'nn1', 'nn2'] as const;
const ports = ['vm1', 'vm2', 'vm3', 'vm4', 'c1', 'c2'] as const;
const vmac = '00:00:5e:00:01:33' as never;
const networks = ['red', 'green', 'blue'] as const;

interface Declared {
  readonly routers: readonly string[];
  readonly gateways: readonly string[];
  readonly networkNodes: readonly string[];
  readonly floating: readonly number[];
  readonly isForwarded: boolean;
  readonly interop: boolean;
  readonly mtu: number;
}

function textOf({ routers, gateways, networkNodes, floating, isForwarded, interop, mtu }: Declared): string {
  const addresses: Readonly<Record<string, string>> = { r1: '10.1.0.1', r2: '10.1.0.2' };
  return [
    `underlay: { cidr: 172.16.0.0/24, mtu: ${mtu} }`, 'nodes:',
    ...nodes.map((name, at) => {
      const uplink = name === 'cn2' ? '' : ', provider: { physnet1: ex0 }';
      return `  ${name}: { vtep: 172.16.0.1${at}${uplink}, network_node: ${networkNodes.includes(name)} }`;
    }),
    ...(interop ? ['interop_vteps: { leaf: { vtep: 172.16.0.99, networks: [red] } }'] : []),
    'networks:',
    '  red: { vni: 101, subnets: [10.1.0.0/24] }',
    '  green: { vni: 102, subnets: [10.2.0.0/24] }',
    '  blue: { vni: 103, subnets: [10.3.0.0/24] }',
    'external_networks:',
    '  ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24 }] }',
    'routers:',
    ...routers.map((id) => {
      const forwarded = isForwarded && gateways.includes(id)
        ? `, port_forwardings: [{ protocol: tcp, external_port: 80, port: ${id === 'r1' ? 'vm2' : 'vm1'}, internal_port: 80 }]`
        : '';
      const own = id === 'r1' ? 'networks: [green], ' : '';
      const way = gateways.includes(id) ? ', gateway: ext' : '';
      return `  ${id}: { ${own}interfaces: [{ network: red, ip: ${addresses[id]} }]${way}${forwarded} }`;
    }),
    'ports: { vm1: { network: red }, vm2: { network: green }, vm3: { network: red }, vm4: { network: blue } }',
    'floating_ips:',
    ...floating.map((last) => `  203.0.113.${last}: { ${last % 2 === 0 ? `port: vm${(last % 3) + 1}` : ''} }`),
  ].join('\n');
}

const declared: fc.Arbitrary<Command | undefined> = fc.record({
  routers: fc.subarray(['r1', 'r2']),
  gateways: fc.subarray(['r1', 'r2']),
  networkNodes: fc.subarray(['nn1', 'nn2']),
  floating: fc.uniqueArray(fc.integer({ min: 100, max: 108 }), { maxLength: 3 }),
  isForwarded: fc.boolean(),
  interop: fc.boolean(),
  mtu: fc.constantFrom(1500, 1600),
}).map((one) => {
  try {
    return { command: 'applyTopology', topology: parseTopology(textOf(one)) };
  } catch (error) {
    // A router forwards to a port that it does not reach, or a floating IP leads nowhere.
    if (error instanceof DvrError) return undefined;
    throw error;
  }
});

const anyPort = fc.constantFrom(...ports);
const anyNode = fc.constantFrom(...nodes);
const command: fc.Arbitrary<Command | undefined> = fc.oneof(
  declared,
  fc.tuple(anyPort, anyNode).map(([name, node]) => bind(name, node)),
  fc.tuple(anyPort, fc.constantFrom(...networks), anyNode)
    .map(([name, network, node]) => attachCommand(name, { network, node })),
  anyPort.map((name): Command => ({ command: 'detachPort', name })),
  anyPort.map((name): Command => ({ command: 'deletePort', name })),
  // The lowest are what a router's sg- is given.
  fc.tuple(anyPort, fc.integer({ min: 2, max: 14 })).map(([name, last]): Command => ({
    command: 'setAllowedPairs', name, pairs: last > 11 ? [] : [{ ip: `10.1.0.${last}` as never, ...(last > 6 ? { mac: vmac } : {}) }],
  })),
  fc.tuple(anyPort, anyNode, fc.integer({ min: 7, max: 9 }), fc.nat(9)).map(([port, node, last, at]): Command => ({
    command: 'moveAddresses', announced: [{ port, node, ip: `10.1.0.${last}` as never, mac: vmac, at, heardAt: at }],
  })),
  fc.tuple(anyPort, anyNode, fc.constantFrom('prepare', 'finish', 'abort')).map(([name, to, what]): Command => (
    what === 'prepare' ? { command: 'migratePort', name, step: what, to } : { command: 'migratePort', name, step: what }
  )),
  fc.tuple(anyNode, fc.constantFrom(1500, 1550)).map(([node, underlayMtuBytes]): Command => ({
    command: 'registerNode', node, vtepIp: `172.16.0.1${nodes.indexOf(node)}`, underlayMtuBytes,
  })),
);

/** Runs the history as a server would: what is refused is left out. */
export function play(
  history: readonly (Command | undefined)[],
  each: (before: ControllerState, after: ControllerState) => void,
): void {
  let state = emptyState;
  for (const one of history) {
    const result = one === undefined ? undefined : step(state, one);
    if (result === undefined || result instanceof DvrError) continue;
    each(state, result.state);
    state = result.state;
  }
}

export const histories = fc.tuple(declared, fc.array(command, { minLength: 4, maxLength: 14 }))
  .map(([first, rest]) => [first, ...rest]);

/** The same intent, of which nothing is remembered. */
export const unknown = (intent: Intent): Intent => structuredClone(intent);
