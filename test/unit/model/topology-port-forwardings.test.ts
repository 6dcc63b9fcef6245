/** What routers forward by port, in a topology file: how it is written, and each fault by line and path. */
import { describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import { MAX_PORT_FORWARDINGS_PER_ROUTER } from '../../../src/model/limits.js';
import { parseTopology } from '../../../src/model/topology.js';

const web = 'protocol: tcp, external_port: 8080, port: vm1, internal_port: 80';
const file = (forwardings: string, { gateway = 'ext', subnet = '203.0.113.0/24', more = '' } = {}): string => `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11, provider: { physnet1: ex0 } }, nn1: { vtep: 172.16.0.21, provider: { physnet1: ex0 }, network_node: true } }
networks: { red: { subnets: [10.1.0.0/24] }, green: { subnets: [10.2.0.0/24] }, blue: { subnets: ["2001:db8::/64"] } }
external_networks: { ext: { physical_network: physnet1, subnets: [{ cidr: "${subnet}" }] } }
routers:
  r1: { networks: [red, blue]${gateway === '' ? '' : `, gateway: ${gateway}`}, port_forwardings: [${forwardings}] }
${more === '' ? '' : `  r2: ${more}`}
ports: { vm1: { network: red, node: cn1, ip: 10.1.0.11 }, vm2: { network: green, node: cn1 }, vm5: { network: blue }, vm7: { network: red, ips: [10.1.0.17, 10.1.0.18] } }
floating_ips: ${subnet.includes(':') ? '{}' : '{ 203.0.113.101: { port: vm1 }, 203.0.113.150: {} }'}
`;

function faultsOf(text: string): string[] {
  try {
    parseTopology(text);
    return [];
  } catch (error) {
    expect((error as DvrError).code).toBe('DVR_TOPOLOGY_INVALID');
    return (error as DvrError).message.split('\n').map((line) => line.replace('topology.yaml:7: routers.r1.port_forwardings', ''));
  }
}

const item = (change: string): string => {
  const [key = ''] = change.split(':');
  return `{ ${[...web.split(', ').filter((one) => !one.startsWith(`${key}:`)), change].join(', ')} }`;
};

describe('what a router forwards by port', () => {
  it('is from its gateway\'s address or from a floating IP without a port, to one address of a port', () => {
    const { routers } = parseTopology(file(`{ ${web} }, ${item('floating_ip: 203.0.113.150')}, `
      + '{ protocol: udp, external_port: 8080, port: vm7, fixed_ip: 10.1.0.18, internal_port: 65535 }'));
    expect(routers[0]?.portForwardings).toEqual([
      { protocol: 'tcp', externalPort: 8080, port: 'vm1', internalPort: 80 },
      { protocol: 'tcp', externalPort: 8080, port: 'vm1', internalPort: 80, floatingIp: '203.0.113.150' },
      { protocol: 'udp', externalPort: 8080, port: 'vm7', internalPort: 65535, fixedIp: '10.1.0.18' },
    ]);
  });

  it('is nothing where nothing is said', () => {
    expect(parseTopology(file('').replace(', port_forwardings: []', '')).routers[0]?.portForwardings).toEqual([]);
  });

  it.each<[string, string, string]>([
    ['a protocol without ports', item('protocol: icmp'), '[0].protocol: "icmp" has no ports to forward; there are tcp, udp'],
    ['port 0 outside', item('external_port: 0'), '[0].external_port: 0 is not within 1 to 65535'],
    ['a port past the last one inside', item('internal_port: 65536'), '[0].internal_port: 65536 is not within 1 to 65535'],
    ['a port that is no number', item('external_port: http'), '[0].external_port: must be a whole number, not "http"'],
    ['no port of the cloud', '{ protocol: tcp, external_port: 8080, internal_port: 80 }', '[0]: "port" is missing'],
    ['a port that there is not', item('port: vm9'), '[0].port: there is no port "vm9"'],
    ['a port that the router does not reach', item('port: vm2'), '[0].port: router r1 does not reach port vm2 in network green'],
    ['a port without IPv4', item('port: vm5'), '[0].port: port vm5 has no IPv4 address'],
    ['an address that is not the port\'s', item('fixed_ip: 10.1.0.17'), '[0].fixed_ip: 10.1.0.17 is not port vm1\'s, which has 10.1.0.11'],
    ['the same port outside twice', `{ ${web} }, ${item('internal_port: 81')}`,
      '[1].external_port: tcp port 8080 of the gateway of router r1 is taken by routers.r1.port_forwardings[0].external_port'],
    ['the same port of a floating IP twice', `${item('floating_ip: 203.0.113.150')}, ${item('floating_ip: 203.0.113.150')}`,
      '[1].external_port: tcp port 8080 of 203.0.113.150 in network ext is taken by routers.r1.port_forwardings[0].external_port'],
    ['a floating IP that there is not', item('floating_ip: 203.0.113.151'),
      '[0].floating_ip: there is no floating IP 203.0.113.151 in network ext; declare it, like 203.0.113.151: {}'],
    ['a floating IP that a port has', item('floating_ip: 203.0.113.101'),
      '[0].floating_ip: 203.0.113.101 is port vm1\'s, with all its ports; name one that has no port'],
    ['a key that is misspelt', `{ ${web}, internal_ports: 80 }`, '[0].internal_ports: unknown key; did you mean "internal_port"?'],
  ])('is not: %s', (_what, forwardings, fault) => { expect(faultsOf(file(forwardings))).toEqual([fault]); });

  it('needs a gateway that translates, to an address of IPv4', () => {
    const of = (gateway: string, subnet?: string): string[] => faultsOf(file(`{ ${web} }`, { gateway, ...(subnet === undefined ? {} : { subnet }) }));
    expect(of('{ network: ext, snat: false }')).toEqual([': the gateway has snat: false, and nothing is translated there']);
    expect(of('ext', '2001:db8:f::/64')).toEqual([': network ext has no IPv4 subnet, and IPv6 is routed without NAT']);
    expect(of('').at(0)).toBe(': the router has no gateway that anything could come in by; write one, like gateway: ext');
    expect(of('ext9')).toEqual(['topology.yaml:7: routers.r1.gateway: there is no external network "ext9"']);
  });

  it('is done by the router that the port answers by, and a floating IP is at home with one router', () => {
    const forwardings = item('floating_ip: 203.0.113.150');
    const second = (list: string): string[] => faultsOf(file(forwardings, {
      more: `{ networks: [green], interfaces: [{ network: red, ip: 10.1.0.254 }], gateway: ext, port_forwardings: [${list}] }`,
    }));
    expect(second(item('external_port: 81'))).toEqual(['topology.yaml:8: routers.r2.port_forwardings[0].port: '
      + 'router r2 does not reach port vm1 in network red; what it answers goes to router r1']);
    expect(second('{ protocol: tcp, external_port: 81, port: vm2, internal_port: 80, floating_ip: 203.0.113.150 }'))
      .toEqual(['topology.yaml:8: routers.r2.port_forwardings[0].floating_ip: '
        + 'router r1 forwards from 203.0.113.150 already, and an address is at home with one router']);
  });

  it('is so much and no more', () => {
    const many = Array.from({ length: MAX_PORT_FORWARDINGS_PER_ROUTER + 1 }, (_, at) => item(`external_port: ${at + 1}`)).join(', ');
    expect(faultsOf(file(many))).toEqual([': 1025 entries; at most 1024 are taken']);
  });
});
