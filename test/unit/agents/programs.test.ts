/** The manual of which rows follow from the seed's picture on cn1. */
import { describe, expect, it } from 'vitest';
import { brIntProgram } from '../../../src/agents/l2/br-int-program.js';
import { brTunProgram } from '../../../src/agents/l2/br-tun-program.js';
import { portsProgram } from '../../../src/agents/l2/ports-program.js';
import { linkLocalOf } from '../../../src/model/slaac.js';
import { routerProgram } from '../../../src/agents/l3/router-program.js';
import { allByNamespace, type RouterWays } from '../../../src/agents/l3/router-ways.js';
import { admitRows, diffRows, type Row, type TableName } from '../../../src/dataplane/rows.js';
import type { NodeView, RouterView } from '../../../src/model/node-view.js';
import { firstOfEachKey } from './admitted.js';
import { cn1, green, ids, mac, port, red, withNetwork } from './picture.js';
import { ext, gateway } from './outside.js';

const allFast: RouterWays = new Map([['r1', { way: 'fast', why: 'the test says so' }]]);
const allRows = (view: NodeView, numbers = ids, ways = allByNamespace): readonly Row[] => firstOfEachKey([
  ...portsProgram(view, numbers), ...brIntProgram(view, numbers), ...routerProgram(view, numbers, ways), ...brTunProgram(view, numbers),
]);
const rowsOf = (table: TableName, view = cn1, numbers = ids, ways = allByNamespace): unknown[] =>
  allRows(view, numbers, ways).filter((row) => row.table === table).map(({ key, value }) => ({ ...key, ...value }));

describe('rows of br-int from the seed\'s picture', () => {
  it('knows both VM ports and both router ports with their networks', () => {
    expect(rowsOf('ports')).toEqual([
      { port: 16, kind: 'vm', local_vlan: 1, mac: mac.vm1, port_security: true },
      { port: 17, kind: 'vm', local_vlan: 2, mac: mac.vm4, port_security: true },
      { port: 18, kind: 'router', local_vlan: 1, mac: mac.redGateway, port_security: true },
      { port: 19, kind: 'router', local_vlan: 2, mac: mac.greenGateway, port_security: true },
    ]);
  });

  it('lets vm1 speak as its MAC, its address and its link-local address only', () => {
    expect(rowsOf('allowed_sources').filter((row) => (row as { port: number }).port === 16)).toEqual([
      { port: 16, mac: mac.vm1, ip: '::', prefix_bits: 128 },
      { port: 16, mac: mac.vm1, ip: 'fe80::f816:3eff:fe00:101', prefix_bits: 128 },
      { port: 16, mac: mac.vm1, ip: '10.1.0.11', prefix_bits: 128 },
    ]);
  });

  it('marks the own DVR MAC among all of the cloud\'s', () => {
    expect(rowsOf('dvr_macs')).toEqual([
      { mac: mac.cn1, own: true, vtep: '172.16.0.11' },
      { mac: mac.cn2, own: false, vtep: '172.16.0.12' },
    ]);
  });

  it('turns a DVR MAC back into the gateway MAC of the local VM\'s subnet (EW7)', () => {
    expect(rowsOf('dvr_to_src_mac')).toEqual([
      { local_vlan: 1, mac: mac.vm1, ip: '::', gateway_mac: mac.redGateway, port: 16 },
      { local_vlan: 2, mac: mac.vm4, ip: '::', gateway_mac: mac.greenGateway, port: 17 },
    ]);
  });

  it('answers for every bound port, local and remote, and for the router as a router', () => {
    expect(rowsOf('neighbours').slice(0, 4)).toEqual([
      { local_vlan: 1, ip: '10.1.0.1', mac: mac.redGateway, router: true, movable: false },
      { local_vlan: 1, ip: linkLocalOf(mac.redGateway), mac: mac.redGateway, router: true, movable: false },
      { local_vlan: 1, ip: '10.1.0.11', mac: mac.vm1, router: false, movable: false },
      { local_vlan: 1, ip: '10.1.0.13', mac: mac.vm3, router: false, movable: false },
    ]);
  });

  it('leads both router MACs to the namespace\'s ports', () => {
    expect(rowsOf('router_macs')).toEqual([
      { local_vlan: 1, mac: mac.redGateway, namespace_port: 18, router: 0 },
      { local_vlan: 2, mac: mac.greenGateway, namespace_port: 19, router: 0 },
    ]);
  });

  it('switches and floods to local VM ports, never to router ports', () => {
    expect(rowsOf('switch')).toEqual([{ local_vlan: 1, mac: mac.vm1, port: 16 }, { local_vlan: 2, mac: mac.vm4, port: 17 }]);
    expect(rowsOf('flood')).toEqual([{ local_vlan: 1, port: 16 }, { local_vlan: 2, port: 17 }]);
  });
});

describe('rows of r1\'s routing (EW2, EW3)', () => {
  const changed = (change: Partial<RouterView>): NodeView => ({ ...cn1, routers: cn1.routers.map((router) => ({ ...router, ...change })) });
  const routes = (view = cn1, numbers = ids): unknown[] => rowsOf('routes', view, numbers);
  const toGreen = { router: 1, local_vlan: 2, gateway_mac: mac.greenGateway, next_hop: '::', to_namespace: false };

  it('leads into every subnet the router has an interface in, and to itself for what is its own there', () => {
    expect(routes()).toEqual([
      { router: 1, prefix_bits: 128, ip: '10.1.0.1', local_vlan: 1, gateway_mac: mac.redGateway, next_hop: '::', to_namespace: true },
      { router: 1, prefix_bits: 128, ip: '10.1.0.255', local_vlan: 1, gateway_mac: mac.redGateway, next_hop: '::', to_namespace: true },
      { ...toGreen, prefix_bits: 128, ip: '10.2.0.1', to_namespace: true },
      { ...toGreen, prefix_bits: 128, ip: '10.2.0.255', to_namespace: true },
      { router: 1, prefix_bits: 120, ip: '10.1.0.0', local_vlan: 1, gateway_mac: mac.redGateway, next_hop: '::', to_namespace: false },
      { ...toGreen, prefix_bits: 120, ip: '10.2.0.0' },
    ]);
  });

  it('has the same rows either way: a switch changes one row an interface', () => {
    expect(rowsOf('routes', cn1, ids, allFast)).toEqual(routes());
    expect(rowsOf('router_macs', cn1, ids, allFast)).toEqual([
      { local_vlan: 1, mac: mac.redGateway, namespace_port: 18, router: 1 },
      { local_vlan: 2, mac: mac.greenGateway, namespace_port: 19, router: 1 },
    ]);
    const packed = (ways: RouterWays) => admitRows(allRows(cn1, ids, ways)).rows;
    expect(diffRows(packed(allByNamespace), packed(allFast))).toHaveLength(2);
  });

  it('counts IPv6 prefixes as they are, and takes the anycast address in', () => {
    const interfaces = [{ network: 'green', mac: mac.greenGateway, addresses: ['2001:db8:2::1/64'] }];
    expect(routes(changed({ interfaces }))).toEqual([
      { ...toGreen, prefix_bits: 128, ip: '2001:db8:2::1', to_namespace: true },
      { ...toGreen, prefix_bits: 128, ip: '2001:db8:2::', to_namespace: true },
      { ...toGreen, prefix_bits: 64, ip: '2001:db8:2::' },
    ]);
  });

  it('sends static routes to their next hop, by the interface it is behind', () => {
    const found = routes(changed({ routes: [{ destination: '0.0.0.0/0', via: '10.2.0.12' }, { destination: '10.9.0.0/16', via: '10.1.0.13' }] }));
    expect(found).toContainEqual({ ...toGreen, prefix_bits: 96, ip: '0.0.0.0', next_hop: '10.2.0.12' });
    expect(found).toContainEqual(expect.objectContaining({ prefix_bits: 112, ip: '10.9.0.0', local_vlan: 1, next_hop: '10.1.0.13' }));
  });

  it('leaves what has its next hop outside to the namespace, whatever is wider inside', () => {
    const view = {
      ...changed({
        routes: [{ destination: '192.0.2.0/24', via: '203.0.113.77' }, { destination: '192.0.0.0/8', via: '10.1.0.13' }], gateway,
      }),
      externalNetworks: [ext],
    };
    expect(routes(view)).toContainEqual(expect.objectContaining({ prefix_bits: 120, ip: '192.0.2.0', to_namespace: true }));
    expect(routes(view)).toContainEqual(expect.objectContaining({ prefix_bits: 104, ip: '192.0.0.0', next_hop: '10.1.0.13', to_namespace: false }));
  });

  it('leaves out, as the kernel does, a route whose next hop is behind no interface or the router itself', () => {
    const wrong = [{ destination: '10.9.0.0/16', via: '10.3.0.1' }, { destination: '10.8.0.0/16', via: '10.2.0.1' }];
    expect(routes(changed({ routes: wrong }))).toEqual(routes());
  });

  it('takes a static IPv4 route for the connected one of the same prefix, as `ip route replace` does', () => {
    const found = routes(changed({ routes: [{ destination: '10.2.0.0/24', via: '10.1.0.13' }] }));
    expect(found.filter((row) => (row as { ip: string }).ip === '10.2.0.0')).toEqual([
      expect.objectContaining({ local_vlan: 1, next_hop: '10.1.0.13' }),
    ]);
  });

  it('leads nowhere by a device that is not open', () => {
    const without = { ...ids, ports: { 'vm/vm1': 16, 'qr/r1/red': 18 } };
    expect(routes(cn1, without)).toHaveLength(3);
  });
});

describe('rows of br-tun from the seed\'s picture', () => {
  it('populates remote MACs only, each with its node\'s VTEP (EW5)', () => {
    expect(rowsOf('ucast_to_tun')).toEqual([
      { local_vlan: 1, mac: mac.vm3, vtep: '172.16.0.12', learned: false, stale: false },
      { local_vlan: 2, mac: mac.vm2, vtep: '172.16.0.12', learned: false, stale: false },
    ]);
  });

  it('accepts VXLAN from peers and maps VNIs to local VLANs and back (EW6)', () => {
    expect(rowsOf('vteps')).toEqual([{ vtep: '172.16.0.12', interop: false }]);
    expect(rowsOf('tun_to_lv')).toEqual([{ vni: 101, local_vlan: 1 }, { vni: 102, local_vlan: 2 }]);
    expect(rowsOf('networks')).toEqual([{ local_vlan: 1, vni: 101, mtu_bytes: 1500 }, { local_vlan: 2, vni: 102, mtu_bytes: 1500 }]);
    expect(rowsOf('flood_to_tun')).toEqual([{ local_vlan: 1, vtep: '172.16.0.12' }, { local_vlan: 2, vtep: '172.16.0.12' }]);
  });
});

describe('rows where something differs from the picture', () => {
  it('has no row for a port whose device is not open', () => {
    const without = { ...ids, ports: { 'vm/vm4': 17 } };
    expect(rowsOf('ports', cn1, without)).toHaveLength(1);
    expect(rowsOf('switch', cn1, without)).toEqual([{ local_vlan: 2, mac: mac.vm4, port: 17 }]);
    expect(rowsOf('neighbours', cn1, without)).toHaveLength(8);
  });

  it('knows the MAC of a router that has no copy here, with no port', () => {
    expect(rowsOf('router_macs', { ...cn1, routers: [] }, { ...ids, ports: { 'vm/vm1': 16 } }, allFast)[0])
      .toEqual({ local_vlan: 1, mac: mac.redGateway, namespace_port: 0, router: 0 });
  });

  it('leaves an unbound port out of ARP answers and population', () => {
    const { node: _node, ...unbound } = port('vm3', 'cn2', '10.1.0.13');
    const view = withNetwork(cn1, { ...red, ports: [unbound] });
    expect(rowsOf('ucast_to_tun', view)).toHaveLength(1);
    expect(rowsOf('neighbours', view)).not.toContainEqual(expect.objectContaining({ ip: '10.1.0.13' }));
  });

  it('gives a VM with addresses in two routed subnets the gateway of each as sender', () => {
    const view = withNetwork(cn1, {
      ...red,
      subnets: [...red.subnets, { cidr: '10.9.0.0/24', gatewayIp: '10.9.0.1' }],
      ports: [port('vm1', 'cn1', '10.1.0.11', { ips: ['10.1.0.11', '10.9.0.11'] })],
      routerInterfaces: [...red.routerInterfaces, { routerId: 'r2', mac: 'fa:16:3e:00:00:09', addresses: ['10.9.0.1/24'] }],
    });
    expect(rowsOf('dvr_to_src_mac', view).slice(0, 2)).toEqual([
      { local_vlan: 1, mac: mac.vm1, ip: '::', gateway_mac: mac.redGateway, port: 16 },
      { local_vlan: 1, mac: mac.vm1, ip: '10.9.0.11', gateway_mac: 'fa:16:3e:00:00:09', port: 16 },
    ]);
  });

  it('takes the router with the gateway address where two routers share a subnet', () => {
    const second = { routerId: 'r2', mac: 'fa:16:3e:00:00:09', addresses: ['10.1.0.2/24'] };
    const view = withNetwork(cn1, { ...red, routerInterfaces: [second, ...red.routerInterfaces] });
    expect(rowsOf('dvr_to_src_mac', view)[0]).toMatchObject({ gateway_mac: mac.redGateway });
  });

  it('allows address pairs: the MAC of one, the whole prefix of a CIDR, counted within 128 bits', () => {
    const pairs = [{ ip: '10.1.0.100', mac: '00:00:5e:00:01:01' }, { ip: '10.1.0.128/25', mac: mac.vm1 }];
    const view = withNetwork(cn1, { ...red, ports: [port('vm1', 'cn1', '10.1.0.11', { allowedAddressPairs: pairs })] });
    expect(rowsOf('allowed_sources', view)).toEqual(expect.arrayContaining([
      { port: 16, mac: '00:00:5e:00:01:01', ip: '::', prefix_bits: 128 },
      { port: 16, mac: '00:00:5e:00:01:01', ip: '10.1.0.100', prefix_bits: 128 },
      { port: 16, mac: mac.vm1, ip: '10.1.0.128', prefix_bits: 121 },
    ]));
    expect(rowsOf('neighbours', view)).toContainEqual({ local_vlan: 1, ip: '10.1.0.100', mac: '00:00:5e:00:01:01', router: false, movable: true });
    expect(rowsOf('neighbours', view)).not.toContainEqual(expect.objectContaining({ ip: '10.1.0.128' }));
    expect(rowsOf('switch', view)).toContainEqual({ local_vlan: 1, mac: '00:00:5e:00:01:01', port: 16 });
  });

  it('never lets an address pair take a port\'s own MAC or address away', () => {
    const thief = port('vm4', 'cn1', '10.2.0.14', { allowedAddressPairs: [{ ip: '10.2.0.12', mac: mac.vm2 }] });
    const view = withNetwork(cn1, { ...green, ports: [thief, port('vm2', 'cn2', '10.2.0.12')] });
    expect(rowsOf('neighbours', view)).toContainEqual({ local_vlan: 2, ip: '10.2.0.12', mac: mac.vm2, router: false, movable: false });
    expect(rowsOf('ucast_to_tun', view)).toContainEqual({ local_vlan: 2, mac: mac.vm2, vtep: '172.16.0.12', learned: false, stale: false });
    expect(rowsOf('switch', view)).not.toContainEqual(expect.objectContaining({ mac: mac.vm2 }));
  });
});
