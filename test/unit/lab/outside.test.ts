import { describe, expect, it } from 'vitest';
import { type OutsideTopology, planOutside } from '../../../src/lab/outside.js';
import { namespacesOf, planLab } from '../../../src/lab/plan.js';
import { type Cidr, parseCidr } from '../../../src/model/addresses.js';

const cidr = (text: string): Cidr => {
  const parsed = parseCidr(text);
  if (parsed.kind !== 'cidr') throw new Error(`${text} is no prefix`);
  return parsed.cidr;
};
const ext = {
  name: 'ext', physicalNetwork: 'physnet1', mtuBytes: 1500,
  subnets: [{ cidr: cidr('203.0.113.0/24'), gatewayIp: '203.0.113.1' }],
};
const node = (name: string, device = 'ex0', physicalNetwork = 'physnet1'): OutsideTopology['nodes'][number] =>
  ({ name, providers: [{ physicalNetwork, device }] });
const planOf = (topology: OutsideTopology) => planOutside(topology, 'dvr-') ?? { ports: [], subnets: [], ipv6: false };

describe('the outside of a lab', () => {
  it('is not there without an external network, whatever the nodes are plugged into', () => {
    expect(planOutside({ nodes: [node('cn1')] }, 'dvr-')).toBeUndefined();
    expect(planOutside({ nodes: [node('cn1')], externalNetworks: [] }, 'dvr-')).toBeUndefined();
  });

  it('has a wire of the physical network\'s name, with the nodes, the host and its router on it', () => {
    const { ports } = planOf({ nodes: [node('cn1'), node('nn1')], externalNetworks: [ext] });
    expect(ports.map(({ wire, namespace, device, bare }) => [wire, namespace, device, bare])).toEqual([
      ['physnet1', 'dvr-cn1', 'ex0', true], ['physnet1', 'dvr-nn1', 'ex0', true],
      ['physnet1', 'dvr-ext', 'eth0', false], ['physnet1', 'dvr-upstream', 'eth0', false],
    ]);
    expect(new Set(ports.map(({ port }) => port)).size).toBe(4);
    expect(new Set(ports.map(({ mac }) => mac)).size).toBe(4);
  });

  it('gives the host the tenth address of each subnet, and the router the gateway\'s', () => {
    expect(planOf({ nodes: [], externalNetworks: [ext] }).subnets).toEqual([
      { device: 'eth0', host: '203.0.113.10/24', gateway: '203.0.113.1/24' }]);
  });

  it('has the router alone in a subnet too small for the host, or where the tenth address is the gateway', () => {
    const small = { ...ext, subnets: [{ cidr: cidr('203.0.113.0/29'), gatewayIp: '203.0.113.1' }] };
    const tenth = { ...ext, subnets: [{ cidr: cidr('203.0.113.0/24'), gatewayIp: '203.0.113.10' }] };
    expect(planOf({ nodes: [], externalNetworks: [small, tenth] }).subnets.map(({ host }) => host)).toEqual([undefined, undefined]);
  });

  it('has a foot in each external network, tagged where the network is, and IPv6 where one has it', () => {
    const six = { ...ext, name: 'six', vlan: 500, subnets: [{ cidr: cidr('2001:db8::/64'), gatewayIp: '2001:db8::1' }] };
    const { subnets, ipv6 } = planOf({ nodes: [], externalNetworks: [ext, six] });
    expect(subnets[1]).toEqual({ device: 'eth1', vlan: 500, host: '2001:db8::a/64', gateway: '2001:db8::1/64' });
    expect([ipv6, planOf({ nodes: [], externalNetworks: [ext] }).ipv6]).toEqual([true, false]);
  });

  it('is on the underlay\'s own wire where a node\'s uplink is its underlay device', () => {
    const { ports } = planOf({ nodes: [node('cn1', 'eth0'), node('nn1', 'eth0')], externalNetworks: [ext] });
    expect(ports.map(({ wire, namespace }) => [wire, namespace])).toEqual([['underlay', 'dvr-ext'], ['underlay', 'dvr-upstream']]);
  });

  it('never calls a wire as a node\'s port is called, nor longer than a device may be', () => {
    const network = (physicalNetwork: string) => ({ ...ext, physicalNetwork });
    const { ports } = planOf({ nodes: [node('cn1', 'ex0', 'cn1')], externalNetworks: [network('cn1'), network('a-rather-long-physical-one')] });
    const wires = [...new Set(ports.map(({ wire }) => wire))];
    expect(wires).toHaveLength(2);
    for (const wire of wires) expect(wire).toMatch(/^wire-[0-9a-f]{10}$/);
  });

  it('is as wide as its widest network', () => {
    const { ports } = planOf({ nodes: [node('cn1')], externalNetworks: [ext, { ...ext, mtuBytes: 9000 }] });
    expect(ports[0]?.mtuBytes).toBe(9000);
  });

  it('takes the names ext and upstream, which are then no VM\'s', () => {
    const topology = { wire: 'segments', underlay: { cidr: '172.16.0.0/24', mtuBytes: 1600 }, networks: [], nodes: [] } as const;
    const vm = { name: 'ext', network: 'red', node: 'cn1' };
    expect(namespacesOf(planLab({ ...topology, ports: [vm] }))).toContain('dvr-ext');
    expect(() => planLab({ ...topology, ports: [vm], externalNetworks: [ext] }))
      .toThrow(expect.objectContaining({ code: 'DVR_TOPOLOGY_INVALID' }));
  });
});
