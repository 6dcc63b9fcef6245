/** What routers with a gateway are given: kept where it may be, and never two owners of one thing. */
import { describe, expect, it } from 'vitest';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { binds, externalState, externalText, floatingOn, gatewayOn } from './external.js';
import { macOf } from '../../../src/model/addresses.js';
import { MAX_PORTS } from '../../../src/model/limits.js';
import type { Port } from '../../../src/model/resources.js';
import { restored } from './kept.js';
import { apply, attachCommand, bind, named, refusal, run, seedText } from './support.js';

const given = ({ intent }: ControllerState) => ({ gateways: intent.gateways, fgPorts: intent.fgPorts });
const fgIps = ({ intent }: ControllerState): string[] =>
  [...intent.fgPorts].map(([key, { addresses }]) => `${key} ${addresses.join(' ')}`).sort();
const moved = (from: string, to: string): string => {
  if (!externalText.includes(from)) throw new Error(`there is no ${from}`);
  return externalText.replace(from, to);
};
const second = '  r2: { interfaces: [{ network: red, ip: 10.1.0.254 }], gateway: ext }\nports:\n';

describe('what a router with a gateway was given', () => {
  it('stays the same when the topology is applied again, also with other lines before it', () => {
    const state = externalState();
    expect(run(state, apply(externalText)).intent).toEqual(state.intent);
    const more = run(state, apply(moved('routers:\n', 'routers:\n  r0: { networks: [], gateway: ext }\n')));
    expect(more.intent.gateways.get('r1')).toEqual(state.intent.gateways.get('r1'));
    for (const [key, port] of state.intent.fgPorts) expect(more.intent.fgPorts.get(key)).toEqual(port);
  });

  it('survives a restart of the controller', () => {
    const text = moved('ip: 203.0.113.60', 'ip: 203.0.113.60, node: nn2, snat: false, snat_path: direct')
      .replace('{ port: vm1 }', '{ port: vm1, fixed_ip: 10.1.0.11, placement: central }\n  203.0.113.103: {}')
      .replace('subnets: [{ cidr: 203', 'mtu: 1400, subnets: [{ cidr: 198.51.100.0/24, gateway: 198.51.100.254 }, { cidr: 203');
    const { intent } = externalState(text);
    expect([...intent.floatingIps.values()][0]).toMatchObject({ fixedIp: '10.1.0.11', placement: 'central' });
    expect(restored(intent)).toEqual(intent);
  });

  it('is given back with the gateway, and free for the next', () => {
    const state = externalState();
    const without = moved('gateway: { network: ext, ip: 203.0.113.60 }', 'routing: auto').replace(/floating_ips:[^]*/, '');
    const cleared = run(state, apply(without));
    expect(given(cleared)).toEqual({ gateways: new Map(), fgPorts: new Map() });
    expect(run(cleared, attachCommand('c1', { network: 'red', node: 'cn1' })).intent.ports.get('c1')?.ips).toEqual(['10.1.0.2']);
  });

  it('keeps its MACs and the addresses inside when the gateway moves to another network', () => {
    const two = `external_networks:\n  ext2: { physical_network: physnet1, subnets: [{ cidr: 198.51.100.0/24 }] }\n`;
    const text = externalText.replace('external_networks:\n', two).replace(/floating_ips:[^]*/, '');
    const state = externalState(text);
    const after = gatewayOn(run(state, apply(text.replace('{ network: ext, ip: 203.0.113.60 }', 'ext2'))), 'cn1');
    const before = gatewayOn(state, 'cn1');
    expect(after).toEqual({ ...before, network: 'ext2', addresses: ['198.51.100.2/24'] });
  });
});

describe('addresses inside', () => {
  it('of sg- devices are no VM\'s, neither by allocation nor by wish', () => {
    const state = externalState();
    const attached = run(state, attachCommand('c1', { network: 'red', node: 'cn1' }));
    expect(attached.intent.ports.get('c1')?.ips).toEqual(['10.1.0.3']);
    const wish = { ...attachCommand('c1', { network: 'red', node: 'cn1' }), ip: '10.1.0.2' } as never;
    expect(refusal(state, wish).message).toBe('port c1: 10.1.0.2 in network red is port sg/r1/red\'s');
  });

  it('of VMs come first: a VM that the file gives the address of an sg- device has it, and the device another', () => {
    const state = run(externalState(), apply(moved('ip: 10.1.0.13', 'ip: 10.1.0.2')));
    expect(gatewayOn(state, 'cn1').snatPorts[0]?.addresses).toEqual(['10.1.0.3/24']);
    expect(gatewayOn(state, 'cn1').snatPorts[0]?.mac).toBe(gatewayOn(externalState(), 'cn1').snatPorts[0]?.mac);
  });

  it('that VMs share by allowed pairs are no sg- device\'s, and those of devices cannot be lent', () => {
    const shared = moved('ip: 10.1.0.11 }', 'ip: 10.1.0.11, allowed_address_pairs: [{ ip: 10.1.0.2 }, { ip: 10.1.0.0/30 }] }')
      .replace('ip: 10.1.0.13 }', 'ip: 10.1.0.13, allowed_address_pairs: [{ ip: 10.1.0.2 }] }');
    expect(gatewayOn(externalState(shared), 'cn1').snatPorts[0]?.addresses).toEqual(['10.1.0.3/24']);
    const lend = { command: 'setAllowedPairs', name: 'vm1', pairs: [{ ip: '10.1.0.2' }] } as never;
    expect(refusal(externalState(), lend).message).toBe('port vm1: 10.1.0.2 is sg/r1/red\'s address');
  });

  it('of new VMs leave those of sg- devices alone', () => {
    const state = run(externalState(), apply(`${moved('ports:\n', 'ports:\n  new: { network: red }\n')}`));
    expect(state.intent.ports.get('new')?.ips).toEqual(['10.1.0.3']);
    expect(gatewayOn(state, 'cn1')).toEqual(gatewayOn(externalState(), 'cn1'));
  });

  it('that run out for an sg- device refuse the topology, and change nothing', () => {
    const full = moved('red:   { vni: 101, subnets: [10.1.0.0/24] }', 'red: { vni: 101, subnets: [10.1.0.8/29] }')
      .replace('ip: 10.1.0.11', 'ip: 10.1.0.10').replace('ip: 10.1.0.13', 'ip: 10.1.0.11');
    const attached = ['c1', 'c2', 'c3'].map((name) => attachCommand(name, { network: 'red', node: 'cn1' }));
    const none = full.replace(/, gateway: \{.*?\}/, '').replace(/floating_ips:[^]*/, '');
    const state = run(emptyState, apply(none), ...binds, ...attached);
    expect(refusal(state, apply(full)).message)
      .toBe('sg/r1/red: no address is free in 10.1.0.8/29 of network red');
  });
});

describe('addresses outside', () => {
  it('are given from the pool, past what is declared in it', () => {
    const text = moved(', ip: 203.0.113.60', '').replace('203.0.113.101:', '203.0.113.20:');
    expect(gatewayOn(externalState(text), 'cn1').addresses).toEqual(['203.0.113.21/24']);
  });

  it('without a pool are all but the network, the upstream\'s and the broadcast address', () => {
    const text = moved(', ip: 203.0.113.60', '').replace('cidr: 203.0.113.0/24, pool: 203.0.113.20-203.0.113.99', 'cidr: 203.0.113.96/28');
    const state = externalState(text);
    expect(gatewayOn(state, 'cn1').addresses).toEqual(['203.0.113.98/28']);
    expect(fgIps(state)).toEqual(['ext/cn1 203.0.113.103/28', 'ext/nn1 203.0.113.99/28', 'ext/nn2 203.0.113.100/28']);
  });

  it('are one for each node and network, however many routers there are', () => {
    const state = externalState(moved('ports:\n', second));
    expect(fgIps(state)).toEqual(['ext/cn1 203.0.113.23/24', 'ext/nn1 203.0.113.21/24', 'ext/nn2 203.0.113.22/24']);
    expect(new Set([...state.intent.gateways.values()].flatMap(({ addresses }) => addresses)).size).toBe(2);
  });

  it('are given to the node that a port migrates to before it arrives', () => {
    const state = run(emptyState, apply(externalText), bind('vm3', 'cn2'));
    expect(state.intent.fgPorts.has('ext/cn1')).toBe(false);
    expect(run(state, { command: 'migratePort', name: 'vm3', step: 'prepare', to: 'cn1' }).intent.fgPorts.has('ext/cn1')).toBe(true);
  });

  it('stay with a node that has lost its last port, for when it has one again', () => {
    const state = externalState();
    const empty = run(state, { command: 'detachPort', name: 'vm1' }, { command: 'detachPort', name: 'vm4' });
    expect(run(empty, attachCommand('c1', { network: 'red', node: 'nn2' }), bind('vm1', 'cn1')).intent.fgPorts.get('ext/cn1'))
      .toEqual(state.intent.fgPorts.get('ext/cn1'));
  });

  it('of gateways are not moved for what the file now wants in their place', () => {
    const text = moved(', ip: 203.0.113.60', '');
    const error = refusal(externalState(text), apply(text.replace('203.0.113.102:', '203.0.113.20:')));
    expect([error.code, error.message]).toEqual(['DVR_ADDRESS_IN_USE',
      'the gateway of router r1: 203.0.113.20 in network ext is the address of floating IP 203.0.113.20']);
  });

  it('of nodes are moved for it, since nothing hangs on them', () => {
    const state = run(externalState(), apply(moved('203.0.113.102:', '203.0.113.20:')));
    expect(fgIps(state)).toEqual(['ext/cn1 203.0.113.22/24', 'ext/nn1 203.0.113.23/24', 'ext/nn2 203.0.113.21/24']);
  });

  it('that run out refuse the command that needs one more, and change nothing', () => {
    const text = moved('203.0.113.20-203.0.113.99', '203.0.113.20-203.0.113.22')
      .replace('networks:', '  cn3: { vtep: 172.16.0.13, provider: { physnet1: ex0 } }\nnetworks:');
    const state = run(emptyState, apply(text), bind('vm1', 'cn1'));
    const error = refusal(state, attachCommand('c1', { network: 'red', node: 'cn3' }));
    expect([error.code, error.message]).toEqual(['DVR_ADDRESSES_EXHAUSTED',
      'node cn3 in network ext: no address is free in 203.0.113.20-203.0.113.22 of network ext']);
  });
});

describe('source NAT', () => {
  const nodeOf = (state: ControllerState, router: string): string | undefined => state.intent.gateways.get(router)?.node;
  const three = moved('ports:\n', second.replace('ports:\n', '  r3: { interfaces: [{ network: red, ip: 10.1.0.253 }], gateway: ext }\nports:\n'));

  it('is spread over the network nodes that have the uplink', () => {
    const state = externalState(three);
    expect(['r1', 'r2', 'r3'].map((router) => nodeOf(state, router))).toEqual(['nn1', 'nn2', 'nn1']);
    const other = externalState(three.replace('nn1: { vtep: 172.16.0.21, provider: { physnet1: ex0 }', 'nn1: { vtep: 172.16.0.21'));
    expect(['r1', 'r2', 'r3'].map((router) => nodeOf(other, router))).toEqual(['nn2', 'nn2', 'nn2']);
  });

  it('moves only from a node that leaves, and not back', () => {
    const left = run(externalState(three), { command: 'removeNode', node: 'nn1' });
    expect(['r1', 'r2', 'r3'].map((router) => nodeOf(left, router))).toEqual(['nn2', 'nn2', 'nn2']);
    const back = run(left, apply(three));
    expect(['r1', 'r2', 'r3'].map((router) => nodeOf(back, router))).toEqual(['nn2', 'nn2', 'nn2']);
  });

  it('is where the file says, from when it says so', () => {
    const state = run(externalState(), apply(moved('ip: 203.0.113.60', 'ip: 203.0.113.60, node: nn2')));
    expect(nodeOf(state, 'r1')).toBe('nn2');
    expect(floatingOn(state)).toContain('203.0.113.102@nn2 central');
    expect(gatewayOn(state, 'cn1')).toEqual({
      ...gatewayOn(externalState(), 'cn1'), node: 'nn2', election: { candidates: ['nn2', 'nn1'], nodes: [] },
    });
    expect(nodeOf(run(state, apply(externalText)), 'r1')).toBe('nn2');
  });
});

it('as many ports as there may be leave no room for sg- devices, which are ports too', () => {
  const state = run(emptyState, apply(seedText));
  const ports = Array.from({ length: MAX_PORTS - 5 }, (_, at): [string, Port] => [`many${at}`, {
    name: named(`many${at}`), network: named('red'), ips: [], mac: macOf('fa:16:3e', at + 1_000), allowedAddressPairs: [],
    portSecurity: true, madeBy: 'attach',
  }]);
  const full = { ...state, intent: { ...state.intent, ports: new Map([...state.intent.ports, ...ports]) } };
  const error = refusal(full, apply(externalText));
  expect([error.code, error.message]).toEqual(['DVR_CONFLICT',
    '65535 ports and 2 sg- devices of routers are more than the 65536 there is room for']);
});

it('a cloud without a way out is given nothing', () => {
  expect(given(run(emptyState, apply(seedText)))).toEqual({ gateways: new Map(), fgPorts: new Map() });
});
