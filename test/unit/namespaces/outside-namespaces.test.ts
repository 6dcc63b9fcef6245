/** The namespaces that lead outside, as data: rules, routes, neighbours and translation of each node. */
import { describe, expect, it } from 'vitest';
import type { FloatingIpView, NodeView } from '../../../src/model/node-view.js';
import { fipLink } from '../../../src/namespaces/fip-link.js';
import { fipNamespace } from '../../../src/namespaces/fip-namespace.js';
import { nftText, routeCommands, ruleCommands, type Namespace } from '../../../src/namespaces/namespace.js';
import { routerNamespace } from '../../../src/namespaces/router-namespace.js';
import { snatNamespace } from '../../../src/namespaces/snat-namespace.js';
import { cn1Outside, ext, fip, gateway, nn1, outsideMac, withRouter } from '../agents/outside.js';
import { cn1, mac } from '../agents/picture.js';

const routerOn = (view: NodeView): Namespace => routerNamespace(view.routers[0]!, view, 1);
const neighbour = (view: NodeView, ip: string): string | undefined =>
  routerOn(view).neighbours.find((one) => one.ip === ip)?.mac;
const rules = (view: NodeView): string[] => ruleCommands([], routerOn(view).rules);
/** Without those that only say that a subnet is its own. */
const ways = ({ routes }: Namespace): Namespace['routes'] => routes.filter(({ type }) => type !== 'unreachable');
const bodyOf = ({ nft }: Namespace): string => (nft === undefined ? '' : nftText(nft));

describe('a router with a gateway', () => {
  it('redirects each tenant subnet to sg- in it, out of the device that it came in by (NS2, NS3)', () => {
    expect(rules(nn1)).toEqual([
      'rule add from 10.1.0.0/24 lookup 167837697 priority 50000 protocol 200',
      'rule add from 10.2.0.0/24 lookup 167903233 priority 50000 protocol 200',
    ]);
    expect(ways(routerOn(nn1))).toEqual([
      { destination: '0.0.0.0/0', via: '10.1.0.5', device: 'qr-red', table: 167837697 },
      { destination: '0.0.0.0/0', via: '10.2.0.5', device: 'qr-green', table: 167903233 },
    ]);
  });

  it('has its own MAC for sg- on every node but that of the SNAT namespace, where it is the one of sg- (NS8)', () => {
    expect([neighbour(cn1Outside, '10.1.0.5'), neighbour(nn1, '10.1.0.5')]).toEqual([mac.redGateway, outsideMac.sgRed]);
  });

  it('has the MAC of sg- everywhere where the path is direct', () => {
    const direct = withRouter(cn1Outside, { gateway: { ...gateway, snatPath: 'direct' } });
    expect(neighbour(direct, '10.1.0.5')).toBe(outsideMac.sgRed);
  });

  it('keeps its redirects while nobody does the SNAT (checklist 45), and has none without a gateway (checklist 46)', () => {
    const { node: _, ...nobodys } = gateway;
    expect(rules(withRouter(nn1, { gateway: nobodys }))).toHaveLength(2);
    expect([rules(cn1), bodyOf(routerOn(cn1)), routerOn(cn1).devices.length]).toEqual([[], '', 2]);
  });

  it('redirects IPv6 by rules of IPv6, in a table above those that have a meaning', () => {
    const [red] = nn1.routers[0]!.interfaces;
    const interfaces = [{ ...red!, addresses: ['fd00:1::1/64'] }];
    const snatPorts = [{ ...gateway.snatPorts[0]!, addresses: ['fd00:1::5/64'] }];
    const view = withRouter(nn1, { interfaces, gateway: { ...gateway, snatPorts } });
    expect(rules(view)[0]).toMatch(/^-6 rule add from fd00:1::\/64 lookup \d{5,10} priority 50000 protocol 200$/);
    expect(ways(routerOn(view))[0]).toMatchObject({ destination: '::/0', via: 'fd00:1::5', device: 'qr-red' });
  });

  it('refuses what is for a subnet of its own whose device is gone, in whatever namespace it is looked for', () => {
    expect(routeCommands([], routerOn(nn1).routes).slice(0, 2)).toEqual([
      'route replace unreachable 10.1.0.0/24 metric 4000000000 proto 200',
      'route replace unreachable 10.2.0.0/24 metric 4000000000 proto 200',
    ]);
    const own = routerOn(nn1).routes.slice(0, 2);
    expect(snatNamespace(nn1.routers[0]!, gateway, ext, nn1).routes.slice(0, 2)).toEqual(own);
    expect(routeCommands([...own, { destination: '10.1.0.0/24', via: '10.2.0.9' }], own))
      .toEqual(['route del 10.1.0.0/24 via 10.2.0.9 proto 200']);
  });

  it('leaves next hops in the external network to the namespaces that have a device there, whatever is wider inside', () => {
    const routes = [{ destination: '192.0.2.0/24', via: '203.0.113.77' }, { destination: '192.0.0.0/8', via: '10.1.0.11' }];
    const view = withRouter(nn1, { routes });
    expect(ways(routerOn(view)).slice(0, 2)).toEqual([
      { destination: '192.0.2.0/24', type: 'throw' }, { destination: '192.0.0.0/8', via: '10.1.0.11' },
    ]);
    expect(ways(snatNamespace(view.routers[0]!, gateway, ext, view))).toEqual([
      { destination: '192.0.2.0/24', via: '203.0.113.77', device: 'qg-ext' },
      { destination: '0.0.0.0/0', via: '203.0.113.1', device: 'qg-ext' },
      { destination: '192.0.0.0/8', via: '10.1.0.11' },
    ]);
  });

  it('takes a default route that is asked for in the provider\'s place, and none inside for what has come to SNAT', () => {
    const snatRoutes = (via: string): Namespace['routes'] => {
      const view = withRouter(nn1, { routes: [{ destination: '0.0.0.0/0', via }] });
      return ways(snatNamespace(view.routers[0]!, gateway, ext, view));
    };
    expect(snatRoutes('203.0.113.77')).toEqual([{ destination: '0.0.0.0/0', via: '203.0.113.77', device: 'qg-ext' }]);
    expect(snatRoutes('10.1.0.11')).toEqual([{ destination: '0.0.0.0/0', via: '203.0.113.1', device: 'qg-ext' }]);
  });

  it('has a route that is thrown in the place of another one of the prefix', () => {
    const [inside, thrown] = [{ destination: '192.0.2.0/24', via: '10.1.0.11' }, { destination: '192.0.2.0/24', type: 'throw' } as const];
    expect(routeCommands([inside], [thrown])).toEqual(['route replace throw 192.0.2.0/24 proto 200']);
    expect(routeCommands([thrown], [inside])).toEqual(['route replace 192.0.2.0/24 via 10.1.0.11 proto 200']);
    expect([routeCommands([thrown], [thrown]), routeCommands([thrown], [])]).toEqual([[], ['route del throw 192.0.2.0/24 proto 200']]);
  });
});

describe('a router with floating IPs on its node', () => {
  it('sends their fixed addresses by rfp, before the redirects and behind its own subnets', () => {
    expect(rules(cn1Outside).slice(2)).toEqual([
      'rule add from 10.1.0.11/32 lookup 16 priority 40000 protocol 200',
      'rule add iif lo lookup 16 priority 40001 protocol 200',
    ]);
  });

  it('has one translation for one address, where a fixed address has two it speaks as the first', () => {
    const second: FloatingIpView = { ...fip, ip: '203.0.113.111' };
    const body = bodyOf(routerOn(withRouter(cn1Outside, { floatingIps: [fip, second] })));
    expect(body).toContain('elements = { 203.0.113.101 : 10.1.0.11, 203.0.113.111 : 10.1.0.11 }');
    expect(body).toContain('elements = { 10.1.0.11 : 203.0.113.101 }');
  });

  it('has a link without a floating IP too, and none where the node has no wire', () => {
    const [network] = cn1Outside.externalNetworks ?? [];
    const names = (view: NodeView): string[] => routerOn(view).devices.map(({ name }) => name);
    expect(names(withRouter(cn1Outside, { floatingIps: [] }))).toContain('rfp-r1');
    const { uplink: _, ...wireless } = network!;
    expect(names({ ...cn1Outside, externalNetworks: [wireless] })).not.toContain('rfp-r1');
  });
});

describe('the link to a FIP namespace', () => {
  it('is a /31 of the router\'s number, and has names that the kernel takes', () => {
    const { rfp, fpr } = fipLink('a-router-with-a-long-name', 4095);
    expect([rfp.ip, fpr.ip]).toEqual(['169.254.95.254', '169.254.95.255']);
    expect([rfp.device, fpr.device].map((name) => name.length <= 15)).toEqual([true, true]);
    expect(rfp.mac).toMatch(/^0e(:[0-9a-f]{2}){5}$/);
  });
});

describe('a SNAT namespace', () => {
  const snat = (change: Partial<typeof gateway> = {}, floatingIps: readonly FloatingIpView[] = []): Namespace => {
    const view = withRouter(nn1, { gateway: { ...gateway, ...change }, floatingIps });
    return snatNamespace(view.routers[0]!, { ...gateway, ...change }, ext, view);
  };
  const central: FloatingIpView = { ...fip, placement: 'central' };

  it('has sg- of each tenant network, qg-, all tenants as neighbours and the way out', () => {
    expect(snat().devices.map(({ name, addresses }) => `${name} ${addresses.join(' ')}`))
      .toEqual(['sg-red 10.1.0.5/24', 'sg-green 10.2.0.5/24', 'qg-ext 203.0.113.20/24']);
    expect(snat().neighbours.map(({ device, ip }) => `${device} ${ip}`))
      .toEqual(['sg-red 10.1.0.11', 'sg-red 10.1.0.13', 'sg-green 10.2.0.12', 'sg-green 10.2.0.14']);
    expect(ways(snat())).toEqual([{ destination: '0.0.0.0/0', via: '203.0.113.1', device: 'qg-ext' }]);
  });

  it('takes up no connection in the middle (checklist 44), and stalls none whose window it has lost (old bug 35)', () => {
    expect(snat().sysctls).toContain('net/netfilter/nf_conntrack_tcp_loose=0');
    for (const { sysctls } of [snat(), routerOn(cn1Outside)]) expect(sysctls).toContain('net/netfilter/nf_conntrack_tcp_be_liberal=1');
  });

  it('follows the provider\'s router to another address, and has its other subnets on the wire (old bug 45)', () => {
    const other = { cidr: '198.18.5.0/24', gatewayIp: '198.18.5.1' };
    const moved = { ...ext, subnets: [{ ...ext.subnets[0]!, gatewayIp: '203.0.113.2' }, other] };
    expect(routeCommands(snat().routes, snatNamespace(nn1.routers[0]!, gateway, moved, nn1).routes)).toEqual([
      'route replace 198.18.5.0/24 dev qg-ext proto 200',
      'route replace 0.0.0.0/0 via 203.0.113.2 dev qg-ext onlink proto 200',
    ]);
  });

  it('has the address of a central floating IP on qg, and announces it with its own', () => {
    const { devices, announced } = snat({}, [central]);
    expect(devices.at(-1)?.addresses).toEqual(['203.0.113.20/24', '203.0.113.101/32']);
    expect(announced.map(({ ip }) => ip)).toEqual(['203.0.113.20', '203.0.113.101']);
  });

  it('has an address that is only forwarded from on qg as well, and lets nothing out as any other', () => {
    const web = { protocol: 'tcp', externalPort: 8080, fixedIp: '10.1.0.13', internalPort: 80 } as const;
    const portForwardings = [{ ...web, externalIp: '203.0.113.20' }, { ...web, externalIp: '203.0.113.150' }, { ...web, externalIp: '203.0.113.150', externalPort: 81 }];
    const namespace = snat({ portForwardings });
    expect(namespace.devices.at(-1)?.addresses).toEqual(['203.0.113.20/24', '203.0.113.150/32']);
    expect(namespace.announced.map(({ ip }) => ip)).toEqual(['203.0.113.20', '203.0.113.150']);
    expect(bodyOf(namespace)).toContain('elements = { 203.0.113.20 . tcp . 8080 : 10.1.0.13 . 80, 203.0.113.150 . tcp . 8080 : 10.1.0.13 . 80');
    expect(bodyOf(namespace)).toContain('ip saddr != { 203.0.113.20, 203.0.113.150 } counter drop');
  });

  it('translates nothing and holds nothing back where snat is off, but its floating IPs', () => {
    expect(bodyOf(snat({ snat: false }))).toBe('');
    expect(bodyOf(snat({ snat: false }, [central]))).not.toMatch(/chain last|203\.0\.113\.20/);
  });
});

describe('the devices of all three', () => {
  it('have the MTU of their own network, whichever it is now (old bug 46)', () => {
    const mtuOf = (name: string): number => ({ red: 1400, green: 1300 }[name] ?? 1500);
    const networks = cn1Outside.networks.map((network) => ({ ...network, mtuBytes: mtuOf(network.name) }));
    const view = { ...cn1Outside, networks, externalNetworks: cn1Outside.externalNetworks!.map((network) => ({ ...network, mtuBytes: 1200 })) };
    const [outside] = view.externalNetworks;
    const all = [
      routerOn(view), snatNamespace(view.routers[0]!, gateway, outside!, view), fipNamespace(outside!, outside!.fg!, view, { r1: 1 }),
    ].flatMap(({ devices }) => devices.map(({ name, mtuBytes }) => `${name} ${String(mtuBytes)}`));
    expect(all).toEqual([
      'qr-red 1400', 'qr-green 1300', 'rfp-r1 1200', 'sg-red 1400', 'sg-green 1300', 'qg-ext 1200', 'fg-ext 1200', 'fpr-r1 1200',
    ]);
  });
});

describe('a FIP namespace', () => {
  const [network] = cn1Outside.externalNetworks ?? [];
  const namespace = (view: NodeView = cn1Outside): Namespace => fipNamespace(network!, network!.fg!, view, { r1: 1 });

  it('answers for floating IPs at once, by routes to them alone (checklist 48)', () => {
    expect(namespace().devices[0]?.sysctls).toEqual(['net/ipv4/conf/fg-ext/proxy_arp=1', 'net/ipv4/neigh/fg-ext/proxy_delay=0']);
    expect(namespace().routes.filter(({ table }) => table === undefined))
      .toEqual([{ destination: '203.0.113.101/32', via: '169.254.64.2', device: 'fpr-r1' }]);
    expect(namespace().devices[1]).toMatchObject({ name: 'fpr-r1', addresses: ['169.254.64.3/31'], onlink: false });
  });

  it('has a way out for what comes from routers, and for nothing that comes from outside', () => {
    expect(namespace().rules).toEqual([{ priority: 40_000, table: 10_001, iif: 'fpr-r1' }]);
    expect(namespace().routes).toContainEqual({ destination: '0.0.0.0/0', via: '203.0.113.1', device: 'fg-ext', table: 10_001 });
  });

  it('knows the next hops in its network that tenants want, those of IPv4', () => {
    const routes = [{ destination: '0.0.0.0/0', via: '203.0.113.77' }, { destination: '2001:db8:9::/48', via: '2001:db8:f::77' }];
    const dual = { ...network!, subnets: [...network!.subnets, { cidr: '2001:db8:f::/64' }] };
    const view = { ...withRouter(cn1Outside, { routes }), externalNetworks: [dual] };
    expect(fipNamespace(dual, dual.fg!, view, { r1: 1 }).routes.filter(({ table }) => table === 10_001))
      .toEqual([{ destination: '0.0.0.0/0', via: '203.0.113.77', device: 'fg-ext', table: 10_001 }]);
  });

  it('stays when the last floating IP goes (checklist 65)', () => {
    expect(namespace(withRouter(cn1Outside, { floatingIps: [] }))).toMatchObject({ name: 'fip-ext', announced: [] });
  });
});
