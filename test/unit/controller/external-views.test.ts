/** What each node is told of the way out. */
import { describe, expect, it } from 'vitest';
import { binds, externalState, externalText, floatingOn, gatewayOn, viewOf } from './external.js';
import { apply, bind, run, seedState } from './support.js';
import { emptyState } from '../../../src/controller/intent.js';

const macs = {
  qg: expect.stringMatching(/^fa:16:3e:/) as string,
};

describe('the gateway of a router', () => {
  const state = externalState();

  it('is told alike on every node that has a copy but for who has a voice, with the devices of its SNAT namespace', () => {
    const gateway = gatewayOn(state, 'cn1');
    expect(gateway).toEqual({
      network: 'ext', snat: true, snatPath: 'router', node: 'nn1', mac: macs.qg,
      election: { candidates: ['nn1', 'nn2'], nodes: [] },
      addresses: ['203.0.113.60/24'],
      snatPorts: [
        { network: 'red', mac: macs.qg, addresses: ['10.1.0.2/24'] },
        { network: 'green', mac: macs.qg, addresses: ['10.2.0.2/24'] },
      ],
    });
    expect(gatewayOn(state, 'cn2')).toEqual(gateway);
    // Who has a voice only those must know who need a majority.
    const election = { candidates: ['nn1', 'nn2'], nodes: ['cn1', 'cn2', 'nn1', 'nn2'] };
    for (const node of ['nn1', 'nn2']) expect(gatewayOn(state, node)).toEqual({ ...gateway, election });
    const all = [gateway.mac, ...gateway.snatPorts.map(({ mac }) => mac),
      ...[...state.intent.fgPorts.values()].map(({ mac }) => mac),
      ...[...state.intent.ports.values()].map(({ mac }) => mac),
      ...(state.intent.routers.get('r1')?.interfaces ?? []).map(({ mac }) => mac)];
    expect(new Set(all).size).toBe(all.length);
  });

  it('brings a copy of the router and its networks to the nodes that do its source NAT or stand by, and to no other', () => {
    for (const node of ['nn1', 'nn2']) {
      expect(viewOf(state, node).routers.map(({ id }) => id)).toEqual(['r1']);
      expect(viewOf(state, node).networks.map(({ name }) => name)).toEqual(['green', 'red']);
      expect(viewOf(state, node).localPorts).toEqual([]);
    }
    const alone = externalState(externalText.replace('nn2: { vtep: 172.16.0.22, provider: { physnet1: ex0 }, network_node: true }',
      'nn2: { vtep: 172.16.0.22, provider: { physnet1: ex0 } }'));
    expect(viewOf(alone, 'nn2')).toMatchObject({ routers: [], networks: [], externalNetworks: [] });
    expect(gatewayOn(alone, 'nn1')).not.toHaveProperty('election');
  });

  it('makes its devices ports of the tenants\' networks there, so that frames and broadcasts find them', () => {
    const red = viewOf(state, 'cn1').networks.find(({ name }) => name === 'red');
    expect(red?.ports.find(({ name }) => name === 'sg/r1/red')).toEqual({
      name: 'sg/r1/red', node: 'nn1', ips: ['10.1.0.2'], allowedAddressPairs: [],
      mac: gatewayOn(state, 'cn1').snatPorts[0]?.mac,
    });
    expect(red?.floodVteps).toEqual(['172.16.0.12', '172.16.0.21', '172.16.0.22']);
    expect(viewOf(state, 'nn1').networks.map(({ floodVteps }) => floodVteps))
      .toEqual([['172.16.0.11', '172.16.0.12', '172.16.0.22'], ['172.16.0.11', '172.16.0.12', '172.16.0.22']]);
  });

  it('is nobody\'s where no network node has an uplink, and its devices are nowhere then', () => {
    const alone = externalState(externalText.replaceAll(', network_node: true', ''));
    expect(gatewayOn(alone, 'cn1').node).toBeUndefined();
    expect(viewOf(alone, 'cn1').networks.flatMap(({ ports }) => ports.map(({ name }) => name)))
      .toEqual(['vm2', 'vm4', 'vm1', 'vm3']);
    expect(viewOf(alone, 'nn1').routers).toEqual([]);
  });

  it('says by which path and whether there is source NAT at all', () => {
    const text = externalText.replace('ip: 203.0.113.60', 'snat: false, snat_path: direct, node: nn2');
    expect(gatewayOn(externalState(text), 'cn1')).toMatchObject({ snat: false, snatPath: 'direct', node: 'nn2' });
  });

  it('has an address of each family that the external network speaks, and sg- of each that both speak', () => {
    const text = externalText
      .replace('subnets: [{', 'subnets: [{ cidr: "2001:db8:f::/64" }, {')
      .replace('subnets: [10.1.0.0/24]', 'subnets: [10.1.0.0/24, "2001:db8:1::/64"]');
    const gateway = gatewayOn(externalState(text), 'cn1');
    expect(gateway.addresses).toEqual(['203.0.113.60/24', '2001:db8:f::2/64']);
    expect(gateway.snatPorts.map(({ addresses }) => addresses))
      .toEqual([['10.1.0.2/24', '2001:db8:1::2/64'], ['10.2.0.2/24']]);
    const second = gatewayOn(externalState(text.replace('"2001:db8:1::/64"]', '"2001:db8:1::/64", "2001:db8:2::/64"]')), 'cn1');
    expect(second.snatPorts[0]?.addresses).toEqual(['10.1.0.2/24', '2001:db8:1::2/64', '2001:db8:2::2/64']);
    const ipv4 = gatewayOn(externalState(text.replace('{ cidr: "2001:db8:f::/64" }, ', '')), 'cn1');
    expect(ipv4.snatPorts.map(({ addresses }) => addresses)).toEqual([['10.1.0.2/24'], ['10.2.0.2/24']]);
  });
});

describe('an external network', () => {
  it('is told with uplink and fg- where the node is plugged in, and without them elsewhere', () => {
    const state = externalState();
    expect(viewOf(state, 'cn1').externalNetworks).toEqual([{
      name: 'ext', mtuBytes: 1500, subnets: [{ cidr: '203.0.113.0/24', gatewayIp: '203.0.113.1' }],
      uplink: { physicalNetwork: 'physnet1', device: 'ex0', vlan: 500 },
      fg: { mac: macs.qg, addresses: ['203.0.113.22/24'] },
    }]);
    expect(viewOf(state, 'cn2').externalNetworks).toEqual([
      { name: 'ext', mtuBytes: 1500, subnets: [{ cidr: '203.0.113.0/24', gatewayIp: '203.0.113.1' }] },
    ]);
    expect(viewOf(state, 'nn1').externalNetworks?.[0]?.fg?.addresses).toEqual(['203.0.113.20/24']);
  });

  it('that no router goes out by is nobody\'s business', () => {
    const state = externalState(externalText.replace(/, gateway: \{.*?\}/, '').replace(/floating_ips:[^]*/, ''));
    for (const node of ['cn1', 'nn1']) expect(viewOf(state, node).externalNetworks).toEqual([]);
    expect([state.intent.gateways.size, state.intent.fgPorts.size]).toEqual([0, 0]);
  });

  it('without a VLAN is flat', () => {
    const [network] = viewOf(externalState(externalText.replace(' vlan: 500,', '')), 'cn1').externalNetworks ?? [];
    expect(network?.uplink).toEqual({ physicalNetwork: 'physnet1', device: 'ex0' });
  });
});

describe('a floating IP', () => {
  it('is done on the node of its port where that has the uplink, else where the router\'s source NAT is or could be', () => {
    expect(floatingOn(externalState())).toEqual([
      '203.0.113.101@cn1 distributed',
      '203.0.113.102@nn1 central',
      '203.0.113.102@nn2 central',
    ]);
    expect(viewOf(externalState(), 'cn1').routers[0]?.floatingIps).toEqual([
      { ip: '203.0.113.101', network: 'ext', fixedIp: '10.1.0.11', port: 'vm1', placement: 'distributed' },
    ]);
  });

  it('follows its port, and is central while that is bound nowhere', () => {
    const state = externalState();
    const unbound = run(state, { command: 'detachPort', name: 'vm1' });
    expect(floatingOn(unbound)[0]).toBe('203.0.113.101@nn1 central');
    expect(floatingOn(run(unbound, bind('vm1', 'nn2')))[0]).toBe('203.0.113.101@nn2 distributed');
  });

  it('may be central by wish, and is nowhere while it is only kept', () => {
    const central = externalText.replace('{ port: vm1 }', '{ port: vm1, placement: central }');
    expect(floatingOn(externalState(central))[0]).toBe('203.0.113.101@nn1 central');
    expect(floatingOn(externalState(externalText.replace('{ port: vm1 }', '{}'))))
      .toEqual(['203.0.113.102@nn1 central', '203.0.113.102@nn2 central']);
  });

  it('is nobody\'s where it would be central and there is no network node', () => {
    expect(floatingOn(externalState(externalText.replaceAll(', network_node: true', ''))))
      .toEqual(['203.0.113.101@cn1 distributed']);
  });

  it('goes away with its port, and is back with it', () => {
    const state = run(externalState(), { command: 'deletePort', name: 'vm1' });
    expect(floatingOn(state)).toEqual(['203.0.113.102@nn1 central', '203.0.113.102@nn2 central']);
    expect(floatingOn(run(state, apply(externalText), bind('vm1', 'cn1')))).toHaveLength(3);
  });

  it('takes the router that the port\'s answers go to, where several reach it', () => {
    const text = externalText.replace('routers:\n',
      'routers:\n  r0: { interfaces: [{ network: red, ip: 10.1.0.254 }], gateway: ext }\n');
    const views = viewOf(externalState(text), 'cn1').routers;
    expect(views.map(({ id, floatingIps }) => [id, floatingIps?.length])).toEqual([['r0', 0], ['r1', 1]]);
  });
});

it('nothing of it is in the views of a cloud without a way out', () => {
  for (const node of ['cn1', 'cn2'])
    expect(viewOf(seedState(), node)).toMatchObject({ externalNetworks: [], routers: [{ id: 'r1' }] });
  expect(viewOf(seedState(), 'cn1').routers[0]).not.toHaveProperty('gateway');
});

it('every bind order leads to the same views but for who came first to a node\'s address', () => {
  const forth = run(emptyState, apply(externalText), ...binds);
  const back = run(emptyState, apply(externalText), ...[...binds].reverse());
  expect(floatingOn(back)).toEqual(floatingOn(forth));
  expect(gatewayOn(back, 'cn1')).toEqual(gatewayOn(forth, 'cn1'));
});
