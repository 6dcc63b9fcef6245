/** IPv6 modes of subnets: what a topology may say, and the addresses hosts make themselves. */
import { describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import type { Cidr, IpAddress, MacAddress } from '../../../src/model/addresses.js';
import { givenIps, slaacIp, whyNotGiven } from '../../../src/model/slaac.js';
import { parseTopology, type Topology } from '../../../src/model/topology.js';

const topologyWith = (subnets: string, ...lines: string[]): Topology => parseTopology([
  'underlay: { cidr: 172.16.0.0/24, mtu: 1600 }',
  'nodes: { cn1: { vtep: 172.16.0.11 } }',
  'networks:',
  `  red: { subnets: ${subnets} }`,
  ...lines,
].join('\n'));
const r1 = 'routers: { r1: { networks: [red] } }';

function faultOf(subnets: string, ...lines: string[]): string {
  try {
    topologyWith(subnets, ...lines);
    return 'no fault';
  } catch (error) {
    if (error instanceof DvrError) return error.message;
    throw error;
  }
}

describe('an IPv6 subnet', () => {
  it('is advertised as its mode says, and not at all where it says nothing or static', () => {
    const [red] = topologyWith(
      '[10.1.0.0/24, { cidr: "fd00:1::/64", ipv6: slaac }, { cidr: "fd00:2::/80", ipv6: stateful },' +
      ' { cidr: "fd00:3::/64", ipv6: static }, { cidr: "fd00:4::/64" }, "fd00:5::/64"]', r1).networks;
    expect(red?.subnets.map(({ cidr, ipv6 }) => [cidr, ipv6])).toEqual([
      ['10.1.0.0/24', undefined], ['fd00:1::/64', 'slaac'], ['fd00:2::/80', 'stateful'],
      ['fd00:3::/64', undefined], ['fd00:4::/64', undefined], ['fd00:5::/64', undefined],
    ]);
  });

  it.each([
    ['{ cidr: "fd00::/64", ipv6: auto }', '"auto" is none of slaac, stateful, static'],
    ['{ cidr: "fd00::/80", ipv6: slaac }', 'fd00::/80 is no /64, which hosts need to make an address of their MAC'],
    ['{ cidr: 10.1.0.0/24, ipv6: slaac }', '10.1.0.0/24 is IPv4 and has no IPv6 mode; leave "ipv6" out'],
    ['{ cidr: 10.1.0.0/24, ipv6: static }', '10.1.0.0/24 is IPv4 and has no IPv6 mode; leave "ipv6" out'],
  ])('%s is a fault at its line and path', (subnet, why) => {
    expect(faultOf(`[${subnet}]`, r1)).toBe(`topology.yaml:4: networks.red.subnets[0].ipv6: ${why}`);
  });

  it('with an unknown key, or none for its prefix, is a fault', () => {
    expect(faultOf('[{ cidr: "fd00::/64", mode: slaac }]', r1)).toContain('networks.red.subnets[0]');
    expect(faultOf('[{ ipv6: slaac }]', r1)).toContain('networks.red.subnets[0]');
  });

  it('of hosts that make their addresses needs a router that advertises it; another does not', () => {
    const why = 'fd00::/64 is slaac, but no router has an interface in it to advertise it';
    expect(faultOf('[{ cidr: "fd00::/64", ipv6: slaac }]')).toBe(`topology.yaml:4: networks.red.subnets[0].ipv6: ${why}`);
    expect(faultOf('[{ cidr: "fd00::/64", ipv6: stateful }]')).toBe('no fault');
  });

  it('of hosts that make their addresses gives a port no other: not a declared one, but for the one of its MAC', () => {
    const subnets = '[10.1.0.0/24, { cidr: "fd00::/64", ipv6: slaac }]';
    const port = (fields: string): string => `ports: { vm1: { network: red, ${fields} } }`;
    expect(faultOf(subnets, r1, port('ip: "fd00::11"'))).toBe(
      'topology.yaml:6: ports.vm1.ip: fd00::11 is in fd00::/64, where hosts make their address of their MAC (slaac); leave it out');
    const own = 'ip: "fd00::f816:3eff:feaa:1", mac: "fa:16:3e:aa:00:01"';
    expect(faultOf(subnets, r1, port(own))).toBe('no fault');
    expect(faultOf(subnets, r1, port('ip: 10.1.0.11'))).toBe('no fault');
  });
});

describe('RFC 4291 appendix A: the address a host makes of its MAC', () => {
  it.each([
    ['fd00::/64', 'fa:16:3e:00:00:01', 'fd00::f816:3eff:fe00:1'],
    ['2001:db8:0:1::/64', '00:00:00:00:00:01', '2001:db8:0:1:200:ff:fe00:1'],
    ['fd00:1:2:3::/64', '02:ff:ff:ff:ff:ff', 'fd00:1:2:3:ff:ffff:feff:ffff'],
  ])('in %s with %s is %s', (cidr, mac, ip) => {
    expect(slaacIp(cidr as Cidr, mac as MacAddress)).toBe(ip);
  });

  it('is not the controller\'s to give, and another port\'s cannot be asked for', () => {
    const network = { subnets: [{ cidr: 'fd00::/64' as Cidr, gatewayIp: 'fd00::1' as IpAddress, ipv6: 'slaac' as const }] };
    const own = 'fd00::f816:3eff:fe00:1' as IpAddress;
    expect(givenIps([own, '10.1.0.1' as IpAddress], network)).toEqual(['10.1.0.1']);
    expect(whyNotGiven(own, network, 'fa:16:3e:00:00:01' as MacAddress)).toBeUndefined();
    expect(whyNotGiven(own, network, 'fa:16:3e:00:00:02' as MacAddress)).toContain('leave it out');
    expect(whyNotGiven(own, network, undefined)).toContain('leave it out');
  });
});
