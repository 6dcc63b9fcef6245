/** What lies outside, in a topology file: how it is written, and each fault by line and path. */
import { describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import {
  MAX_EXTERNAL_NETWORKS, MAX_FLOATING_IPS, MAX_NETWORKS, MAX_PROVIDERS_PER_NODE,
} from '../../../src/model/limits.js';
import { parseTopology } from '../../../src/model/topology.js';

/** Each section on the line of its own that faults name. */
const sections = {
  underlay: '{ cidr: 172.16.0.0/24, mtu: 1600 }',
  nodes: '{ cn1: { vtep: 172.16.0.11, provider: { physnet1: ex0 } }, cn2: { vtep: 172.16.0.12 }, '
    + 'nn1: { vtep: 172.16.0.21, provider: { physnet1: ex0, physnet2: ex1 }, network_node: true } }',
  networks: '{ red: { subnets: [10.1.0.0/24] }, green: { subnets: [10.2.0.0/24] }, blue: { subnets: ["2001:db8::/64"] } }',
  external_networks: '{ ext: { physical_network: physnet1, vlan: 500, subnets: [{ cidr: 203.0.113.0/24 }] } }',
  routers: '{ r1: { networks: [red, blue], gateway: ext } }',
  ports: '{ vm1: { network: red, node: cn1, ip: 10.1.0.11 }, vm2: { network: green, node: cn2 }, vm5: { network: blue }, '
    + 'vm7: { network: red, node: cn2, ips: [10.1.0.17, 10.1.0.18] }, vm8: { network: red } }',
  floating_ips: '{ 203.0.113.101: { port: vm1 } }',
};
type Section = keyof typeof sections;

const file = (changes: Partial<Record<Section, string>> = {}): string =>
  Object.entries({ ...sections, ...changes }).map(([name, text]) => `${name}: ${text}`).join('\n');

function faultsOf(text: string): string[] {
  try {
    parseTopology(text);
    return [];
  } catch (error) {
    expect((error as DvrError).code).toBe('DVR_TOPOLOGY_INVALID');
    return (error as DvrError).message.split('\n');
  }
}

const externalOf = (text: string): string => `{ ext: { physical_network: physnet1, ${text} } }`;
const subnetOf = (text: string): string => externalOf(`subnets: [{ ${text} }]`);
const gatewayOf = (text: string): string => `{ r1: { networks: [red, blue], gateway: ${text} } }`;

describe('a topology with a way out', () => {
  it('comes out parsed, with what was left out as the manual says', () => {
    const topology = parseTopology(file());
    expect(topology.nodes.map(({ name, providers, networkNode }) => [name, providers.length, networkNode]))
      .toEqual([['cn1', 1, false], ['cn2', 0, false], ['nn1', 2, true]]);
    expect(topology.nodes[0]?.providers).toEqual([{ physicalNetwork: 'physnet1', device: 'ex0' }]);
    expect(topology.externalNetworks).toEqual([{
      name: 'ext', physicalNetwork: 'physnet1', vlan: 500, mtuBytes: 1500,
      subnets: [{ cidr: '203.0.113.0/24', gatewayIp: '203.0.113.1' }],
    }]);
    expect(topology.routers[0]?.gateway).toEqual({ network: 'ext', snat: true, snatPath: 'router' });
    expect(topology.floatingIps).toEqual([
      { ip: '203.0.113.101', network: 'ext', port: 'vm1', placement: 'distributed' },
    ]);
  });

  it('may have routes by a next hop in the external network, a default route among them', () => {
    const routes = [{ destination: '192.0.2.0/24', via: '203.0.113.77' }, { destination: '0.0.0.0/0', via: '203.0.113.78' }];
    expect(parseTopology(file({ routers: `{ r1: { networks: [red], gateway: ext, routes: ${JSON.stringify(routes)} } }` })).routers[0]?.routes)
      .toEqual(routes);
  });

  it('may say everything', () => {
    const topology = parseTopology(file({
      external_networks: '{ ext: { physical_network: physnet1, mtu: 1400, '
        + 'subnets: [{ cidr: 203.0.113.0/24, gateway: 203.0.113.254, pool: 203.0.113.20-203.0.113.99 }, { cidr: "2001:db8:f::/64" }] } }',
      routers: gatewayOf('{ network: ext, ip: 203.0.113.60, snat: false, snat_path: direct, node: nn1 }'),
      floating_ips: '{ 203.0.113.102: { port: vm7, fixed_ip: 10.1.0.18, network: ext, placement: central }, 203.0.113.103: {} }',
    }));
    expect(topology.externalNetworks[0]).toEqual({
      name: 'ext', physicalNetwork: 'physnet1', mtuBytes: 1400,
      subnets: [
        { cidr: '203.0.113.0/24', gatewayIp: '203.0.113.254', pools: [{ first: '203.0.113.20', last: '203.0.113.99' }] },
        { cidr: '2001:db8:f::/64', gatewayIp: '2001:db8:f::1' },
      ],
    });
    expect(topology.routers[0]?.gateway)
      .toEqual({ network: 'ext', ip: '203.0.113.60', snat: false, snatPath: 'direct', node: 'nn1' });
    expect(topology.floatingIps).toEqual([
      { ip: '203.0.113.102', network: 'ext', port: 'vm7', fixedIp: '10.1.0.18', placement: 'central' },
      { ip: '203.0.113.103', network: 'ext', placement: 'distributed' },
    ]);
  });

  it('may give a port an outside address for each of its own, and one in each network outside', () => {
    const two = {
      external_networks: '{ ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24 }] }, '
        + 'ext2: { physical_network: physnet2, subnets: [{ cidr: 198.51.100.0/24 }] } }',
      routers: '{ r1: { networks: [red], gateway: ext }, r2: { interfaces: [{ network: red, ip: 10.1.0.254 }], gateway: ext2 } }',
      floating_ips: '{ 203.0.113.1: {}, 198.51.100.9: { port: vm7 }, 203.0.113.9: { port: vm7 }, 203.0.113.10: { port: vm7, fixed_ip: 10.1.0.18 } }',
    };
    expect(faultsOf(file(two))).toEqual(['topology.yaml:7: floating_ips.203.0.113.1: 203.0.113.1 is the upstream gateway of 203.0.113.0/24']);
    expect(parseTopology(file({ ...two, floating_ips: two.floating_ips.replace('203.0.113.1: {}, ', '') })).floatingIps
      .map(({ ip, network }) => `${ip} ${network}`)).toEqual(['198.51.100.9 ext2', '203.0.113.9 ext', '203.0.113.10 ext']);
  });

  it('may have the same addresses outside twice, if it says which are meant', () => {
    const twice = {
      external_networks: '{ ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24 }] }, '
        + 'ext2: { physical_network: physnet2, subnets: [{ cidr: 203.0.113.0/24 }] } }',
    };
    expect(faultsOf(file(twice))).toEqual([
      'topology.yaml:7: floating_ips.203.0.113.101: 203.0.113.101 lies in ext and ext2; write network: one of them',
    ]);
    expect(faultsOf(file({ ...twice, floating_ips: '{ 203.0.113.101: { port: vm1, network: ext } }' }))).toEqual([]);
  });
});

type Case = readonly [string, Partial<Record<Section, string>>, readonly string[]];

const nodeFaults: readonly Case[] = [
  ['a device that cannot be one', { nodes: sections.nodes.replace('ex1', '"../ex1"') },
    ['2: nodes.nn1.provider.physnet2: "../ex1" cannot name a network device; it is 1 to 15 of letters, digits, "_", "." and "-", and not "lo"']],
  ['one device for two wires', { nodes: sections.nodes.replace('ex1', 'ex0') },
    ['2: nodes.nn1.provider.physnet2: the device ex0 is taken by nodes.nn1.provider.physnet1']],
  ['a provider that is no mapping', { nodes: sections.nodes.replace('{ physnet1: ex0 }', 'ex0') },
    ['2: nodes.cn1.provider: must be a mapping, not "ex0"']],
  ['a network node that is neither true nor false', { nodes: sections.nodes.replace('network_node: true', 'network_node: 1') },
    ['2: nodes.nn1.network_node: must be true or false, not "1"']],
];

const networkFaults: readonly Case[] = [
  ['no uplink on any node', { external_networks: sections.external_networks.replace('physnet1', 'physnet9') },
    ['4: external_networks.ext.physical_network: no node has an uplink to physnet9; give one, like provider: { physnet9: eth1 }']],
  ['a name that a network has', { external_networks: sections.external_networks.replace('ext:', 'red:'), routers: '{}', floating_ips: '{}' },
    ['4: external_networks.red: the name red is taken by networks.red']],
  ['a VLAN twice on one wire', { external_networks: sections.external_networks.replace(/ \}$/,
    ', ext2: { physical_network: physnet1, vlan: 500, subnets: [{ cidr: 198.51.100.0/24 }] } }') },
    ['4: external_networks.ext2.vlan: VLAN 500 on physnet1 is taken by external_networks.ext.vlan']],
  ['two flat networks on one wire', { external_networks: '{ ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24 }] }, '
    + 'ext2: { physical_network: physnet1, subnets: [{ cidr: 198.51.100.0/24 }] } }' },
    ['4: external_networks.ext2: untagged on physnet1 is taken by external_networks.ext']],
  ['a VLAN out of bounds', { external_networks: sections.external_networks.replace('500', '4095') },
    ['4: external_networks.ext.vlan: 4095 is not within 1 to 4094']],
  ['an MTU out of bounds', { external_networks: externalOf('mtu: 500, subnets: [{ cidr: 203.0.113.0/24 }]') },
    ['4: external_networks.ext.mtu: 500 is not within 576 to 65535']],
  ['an MTU too small for IPv6', { external_networks: externalOf('mtu: 1000, subnets: [{ cidr: 203.0.113.0/24 }, { cidr: "2001:db8:f::/64" }]') },
    ['4: external_networks.ext.mtu: an MTU of 1000 is too small for the IPv6 subnet 2001:db8:f::/64, which needs 1280 (RFC 8200)']],
  ['no subnet', { external_networks: externalOf('subnets: []'), floating_ips: '{}' },
    ['4: external_networks.ext.subnets: names no subnet; routers need an address to be found at']],
  ['a subnet that is only a text', { external_networks: externalOf('subnets: [203.0.113.0/24]') },
    ['4: external_networks.ext.subnets[0]: must be a mapping, not "203.0.113.0/24"']],
  ['subnets that overlap', { external_networks: externalOf('subnets: [{ cidr: 203.0.113.0/24 }, { cidr: 203.0.113.128/25 }]') },
    ['4: external_networks.ext.subnets[1]: 203.0.113.128/25 overlaps 203.0.113.0/24 of the same network']],
  ['an upstream outside its subnet', { external_networks: subnetOf('cidr: 203.0.113.0/24, gateway: 203.0.114.1') },
    ['4: external_networks.ext.subnets[0].gateway: 203.0.114.1 is outside 203.0.113.0/24']],
  ['an upstream at the broadcast address', { external_networks: subnetOf('cidr: 203.0.113.0/24, gateway: 203.0.113.255') },
    ['4: external_networks.ext.subnets[0].gateway: 203.0.113.255 is the network or broadcast address of 203.0.113.0/24']],
  ['a pool that is no range', { external_networks: subnetOf('cidr: 203.0.113.0/24, pool: 203.0.113.20') },
    ['4: external_networks.ext.subnets[0].pool: "203.0.113.20" is no range; write one like 203.0.113.2-203.0.113.254']],
  ['a pool outside its subnet', { external_networks: subnetOf('cidr: 203.0.113.0/24, pool: 203.0.113.20-203.0.114.9') },
    ['4: external_networks.ext.subnets[0].pool: 203.0.114.9 is outside 203.0.113.0/24']],
  ['a pool from its end', { external_networks: subnetOf('cidr: 203.0.113.0/24, pool: 203.0.113.99-203.0.113.20') },
    ['4: external_networks.ext.subnets[0].pool: 203.0.113.99 comes after 203.0.113.20; write the lower address first']],
];

const gatewayFaults: readonly Case[] = [
  ['into a network that there is not', { routers: gatewayOf('ext9') },
    ['5: routers.r1.gateway: there is no external network "ext9"']],
  ['into a tenant\'s network', { routers: gatewayOf('{ network: green }') },
    ['5: routers.r1.gateway.network: there is no external network "green"']],
  ['without a network', { routers: gatewayOf('{ ip: 203.0.113.60 }') },
    ['5: routers.r1.gateway: "network" is missing']],
  ['as a list', { routers: gatewayOf('[ext]') }, ['5: routers.r1.gateway: must be a name, not a list']],
  ['at an address outside', { routers: gatewayOf('{ network: ext, ip: 203.0.114.60 }') },
    ['5: routers.r1.gateway.ip: 203.0.114.60 is outside 203.0.113.0/24 of network ext']],
  ['at the upstream\'s address', { routers: gatewayOf('{ network: ext, ip: 203.0.113.1 }') },
    ['5: routers.r1.gateway.ip: 203.0.113.1 is the upstream gateway of 203.0.113.0/24']],
  ['at the network address', { routers: gatewayOf('{ network: ext, ip: 203.0.113.0 }') },
    ['5: routers.r1.gateway.ip: 203.0.113.0 is the network address of 203.0.113.0/24']],
  ['at an address that another gateway has', { routers:
    '{ r1: { networks: [red], gateway: { network: ext, ip: 203.0.113.60 } }, r2: { networks: [green], gateway: { network: ext, ip: 203.0.113.60 } } }' },
    ['5: routers.r2.gateway.ip: 203.0.113.60 in network ext is taken by routers.r1.gateway.ip']],
  ['by a path that there is not', { routers: gatewayOf('{ network: ext, snat_path: short }') },
    ['5: routers.r1.gateway.snat_path: "short" is no path to source NAT; there are router, direct']],
  ['with source NAT that is neither on nor off', { routers: gatewayOf('{ network: ext, snat: yes please }') },
    ['5: routers.r1.gateway.snat: must be true or false, not "yes please"']],
  ['on a node that there is not', { routers: gatewayOf('{ network: ext, node: nn9 }') },
    ['5: routers.r1.gateway.node: there is no node "nn9"']],
  ['on a node that is no network node', { routers: gatewayOf('{ network: ext, node: cn1 }') },
    ['5: routers.r1.gateway.node: cn1 is no network node; write network_node: true there']],
  ['on a network node without the uplink', { nodes: sections.nodes.replace('provider: { physnet1: ex0, physnet2: ex1 }', 'provider: { physnet2: ex1 }'),
    routers: gatewayOf('{ network: ext, node: nn1 }') },
    ['5: routers.r1.gateway.node: nn1 has no uplink to physnet1, which ext is on']],
  ['to where the router\'s own addresses are', { external_networks: subnetOf('cidr: 10.1.0.0/16'), floating_ips: '{}' },
    ['5: routers.r1.gateway: 10.1.0.0/16 of network ext overlaps the router\'s own 10.1.0.0/24']],
  ['into a network that is faulty, of which enough is said there', { external_networks: sections.external_networks.replace('500', '0') },
    ['4: external_networks.ext.vlan: 0 is not within 1 to 4094']],
  ['whose pool is full', { external_networks: subnetOf('cidr: 203.0.113.0/24, pool: 203.0.113.100-203.0.113.102') },
    ['5: routers.r1.gateway: addresses left to give out in network ext: 2; needed: 1 for gateways, 2 for nodes (cn1, nn1)']],
  ['whose subnet is full', { external_networks: subnetOf('cidr: 203.0.113.100/30'), floating_ips: '{ 203.0.113.102: { port: vm1 } }' },
    ['5: routers.r1.gateway: addresses left to give out in network ext: 0; needed: 1 for gateways, 2 for nodes (cn1, nn1)']],
  ['whose tenant\'s subnet has no address for sg-', { networks: sections.networks.replace('10.1.0.0/24', '10.1.0.16/30'),
    ports: '{ vm1: { network: red, node: cn1, ip: 10.1.0.18 } }' },
    ['5: routers.r1.gateway: addresses left in 10.1.0.16/30 of network red: 0; needed: 1, '
      + 'one for the device sg- of each gateway and one for each port without an address']],
  ['whose tenant\'s subnet has one for sg- or for a port', { networks: sections.networks.replace('10.1.0.0/24', '10.1.0.16/30'),
    ports: '{ vm1: { network: red, node: cn1 } }' },
    ['5: routers.r1.gateway: addresses left in 10.1.0.16/30 of network red: 1; needed: 2, '
      + 'one for the device sg- of each gateway and one for each port without an address']],
];

const routeOf = (text: string, gateway = 'ext'): Partial<Record<Section, string>> =>
  ({ routers: `{ r1: { networks: [red, blue], gateway: ${gateway}, routes: [{ ${text} }] } }` });

const routeFaults: readonly Case[] = [
  ['that is in neither network', routeOf('destination: 192.0.2.0/24, via: 198.51.100.9'),
    ['5: routers.r1.routes[0].via: 198.51.100.9 is neither in the router\'s subnets nor in network ext, which its gateway is in']],
  ['that is the gateway itself', routeOf('destination: 192.0.2.0/24, via: 203.0.113.60', '{ network: ext, ip: 203.0.113.60 }'),
    ['5: routers.r1.routes[0].via: 203.0.113.60 is the router\'s own address']],
  ['for what is the router\'s own', routeOf('destination: 10.1.0.128/25, via: 203.0.113.77'),
    ['5: routers.r1.routes[0].via: 10.1.0.128/25 is the router\'s own 10.1.0.0/24, and 203.0.113.77 is outside']],
  ['by a gateway that is faulty, of which enough is said there', routeOf('destination: 192.0.2.0/24, via: 203.0.113.77', 'ext9'),
    ['5: routers.r1.gateway: there is no external network "ext9"']],
];

const floating = (text: string): Partial<Record<Section, string>> => ({ floating_ips: `{ ${text} }` });

const floatingFaults: readonly Case[] = [
  ['that is no address', floating('web: { port: vm1 }'),
    ['7: floating_ips.web: "web" is no IPv4 or IPv6 address']],
  ['of IPv6', floating('"2001:db8:f::9": { port: vm1 }'),
    ['7: floating_ips.2001:db8:f::9: 2001:db8:f::9 cannot float: IPv6 is routed without NAT']],
  ['outside of all external networks', floating('192.0.2.9: { port: vm1 }'),
    ['7: floating_ips.192.0.2.9: 192.0.2.9 is in no subnet of an external network']],
  ['outside of the network that it names', floating('192.0.2.9: { network: ext }'),
    ['7: floating_ips.192.0.2.9: 192.0.2.9 is outside 203.0.113.0/24 of network ext']],
  ['of a network that is not external', floating('203.0.113.9: { network: red }'),
    ['7: floating_ips.203.0.113.9.network: there is no external network "red"']],
  ['that is the broadcast address', floating('203.0.113.255: {}'),
    ['7: floating_ips.203.0.113.255: 203.0.113.255 is the broadcast address of 203.0.113.0/24']],
  ['that a gateway has', { routers: gatewayOf('{ network: ext, ip: 203.0.113.101 }') },
    ['7: floating_ips.203.0.113.101: 203.0.113.101 in network ext is taken by routers.r1.gateway.ip']],
  ['twice', floating('203.0.113.101: {}, 203.0.113.101: { port: vm1 }'),
    ['7: floating_ips.203.0.113.101: is there twice, first on line 7']],
  ['for a port that there is not', floating('203.0.113.9: { port: vm9 }'),
    ['7: floating_ips.203.0.113.9.port: there is no port "vm9"']],
  ['for a port that no router reaches', floating('203.0.113.9: { port: vm2 }'),
    ['7: floating_ips.203.0.113.9.port: no router with a gateway in ext reaches port vm2 in network green']],
  ['for a port whose router has no gateway', { routers: '{ r1: { networks: [red] } }' },
    ['7: floating_ips.203.0.113.101.port: no router with a gateway in ext reaches port vm1 in network red']],
  ['for a port without IPv4', floating('203.0.113.9: { port: vm5 }'),
    ['7: floating_ips.203.0.113.9.port: port vm5 has no IPv4 address']],
  ['for an address that is not the port\'s', floating('203.0.113.9: { port: vm1, fixed_ip: 10.1.0.17 }'),
    ['7: floating_ips.203.0.113.9.fixed_ip: 10.1.0.17 is not port vm1\'s, which has 10.1.0.11']],
  ['for an address of a port that declares none', floating('203.0.113.9: { port: vm8, fixed_ip: 10.1.0.17 }'),
    ['7: floating_ips.203.0.113.9.fixed_ip: 10.1.0.17 is not port vm8\'s, which declares no address']],
  ['for an IPv6 address', floating('203.0.113.9: { port: vm1, fixed_ip: "2001:db8::9" }'),
    ['7: floating_ips.203.0.113.9.fixed_ip: 2001:db8::9 is an IPv6 address, which is routed without NAT']],
  ['for an address that has one, named or not', floating('203.0.113.8: { port: vm7 }, 203.0.113.9: { port: vm7, fixed_ip: 10.1.0.17 }'),
    ['7: floating_ips.203.0.113.9.port: port vm7\'s 10.1.0.17 in network ext is taken by floating_ips.203.0.113.8.port']],
  ['for a port that has one, whatever address it will get', floating('203.0.113.8: { port: vm8 }, 203.0.113.9: { port: vm8 }'),
    ['7: floating_ips.203.0.113.9.port: port vm8\'s address in network ext is taken by floating_ips.203.0.113.8.port']],
  ['that is placed, but nobody\'s', floating('203.0.113.9: { fixed_ip: 10.1.0.11, placement: central }'),
    ['7: floating_ips.203.0.113.9.fixed_ip: there is no "port" for it',
      '7: floating_ips.203.0.113.9.placement: there is no "port" for it']],
  ['placed where there is no place', floating('203.0.113.9: { port: vm1, placement: here }'),
    ['7: floating_ips.203.0.113.9.placement: "here" is no placement; there are distributed, central']],
  ['distributed on a node without the uplink', floating('203.0.113.9: { port: vm7, placement: distributed }'),
    ['7: floating_ips.203.0.113.9.placement: node cn2 of port vm7 has no uplink to physnet1']],
  ['with nothing after it', floating('203.0.113.9:'),
    ['7: floating_ips.203.0.113.9: must be a mapping, not nothing']],
];

describe.each([
  ['a node with', nodeFaults],
  ['an external network with', networkFaults],
  ['a gateway', gatewayFaults],
  ['a next hop outside', routeFaults],
  ['a floating IP', floatingFaults],
])('%s', (_what, cases) => {
  it.each(cases)('%s', (_case, changes, faults) => {
    expect(faultsOf(file(changes))).toEqual(faults.map((fault) => `topology.yaml:${fault}`));
  });
});

describe('more than there is room for:', () => {
  const many = (count: number, entry: (at: number) => string): string =>
    `{ ${Array.from({ length: count }, (_, at) => entry(at)).join(', ')} }`;

  it('local VLANs of networks of either kind', () => {
    const networks = many(MAX_NETWORKS, (at) => `n${at}: { subnets: [] }`);
    const changes = { networks, routers: '{}', ports: '{}', floating_ips: '{}' };
    expect(faultsOf(file(changes))).toEqual([
      `topology.yaml:4: external_networks: with the networks they are ${MAX_NETWORKS + 1}; at most ${MAX_NETWORKS} are taken`,
    ]);
  });

  it.each<[string, Partial<Record<Section, string>>, string]>([
    ['external networks', { external_networks: many(MAX_EXTERNAL_NETWORKS + 1, (at) => `e${at}: {}`) }, 'external_networks'],
    ['floating IPs', { floating_ips: many(MAX_FLOATING_IPS + 1, (at) => `10.0.${at >> 8}.${at & 255}: {}`) }, 'floating_ips'],
    ['wires of a node', { nodes: `{ cn1: { vtep: 172.16.0.11, provider: ${many(MAX_PROVIDERS_PER_NODE + 1, (at) => `p${at}: e${at}`)} } }` },
      'nodes.cn1.provider'],
  ])('%s', (_what, changes, path) => {
    const [fault] = faultsOf(file(changes)).filter((line) => line.includes('at most'));
    expect(fault).toMatch(new RegExp(`: ${path}: \\d+ entries; at most \\d+ are taken$`));
  });
});

it('a full pool is no fault while nobody goes out by it', () => {
  const external_networks = subnetOf('cidr: 203.0.113.0/24, pool: 203.0.113.20-203.0.113.20');
  expect(faultsOf(file({ external_networks, routers: '{ r1: { networks: [red] } }', floating_ips: '{}' }))).toEqual([]);
});

it('faults in a section are told once, and nothing that follows from them', () => {
  const faults = (changes: Partial<Record<Section, string>>): string[] => faultsOf(file(changes));
  expect(faults({ nodes: sections.nodes.replaceAll('physnet1: ex0', 'physnet1: lo') })).toHaveLength(2);
  expect(faults({ external_networks: sections.external_networks.replace('203.0.113.0/24', '203.0.113.1/24') })).toEqual([
    'topology.yaml:4: external_networks.ext.subnets[0].cidr: "203.0.113.1/24" has host bits set; write 203.0.113.0/24',
  ]);
  expect(faults({ routers: gatewayOf('{ network: ext, snat_path: 7 }') })).toHaveLength(1);
  expect(faults({ ports: sections.ports.replace('10.1.0.11', '10.9.0.11') })).toEqual([
    'topology.yaml:6: ports.vm1.ip: 10.9.0.11 is outside 10.1.0.0/24 of network red',
  ]);
});
