/**
 * What the FIP namespace of an external network holds on a node with a wire to it: one address of its own,
 * and proxy ARP for exactly the floating IPs that are at home here. Pure, from the node's view.
 *
 *   qrouter-r1 ═ fpr-r1 ─┐
 *   qrouter-r2 ═ fpr-r2 ─┴─ fg-ext 203.0.113.31/24 ── br-ex
 *
 * The kernel answers for an address that it would route to another device than it was asked at: those are
 * the /32 routes to routers, and nothing else, since the links to them have no route (fip-link.ts).
 */
import { fipDeviceName, fipPortName } from '../model/device-names.js';
import type { ExternalNetworkView, NodeView, RouterView } from '../model/node-view.js';
import { endDevice, endNeighbour, fipLink } from './fip-link.js';
import { fipNamespaceName, routerNamespaceName } from './names.js';
import { namespaceSysctls, type Namespace, type Route } from './namespace.js';
import { fipTable } from './nft.js';
import { defaultRoutes, ipsOf, onLinkRoutes, routesOutside, withDefaults } from './outside-network.js';
import { distributedFips } from './router-namespace.js';

const kLinkPriority = 40_000;
/** A router's table is this and its number: routes outside that its tenants have asked for are its own. */
const kFirstTable = 10_000;

type Fg = NonNullable<ExternalNetworkView['fg']>;

/** @param numbers of the routers on this node. */
export function fipNamespace(
  network: ExternalNetworkView, fg: Fg, view: NodeView, numbers: Readonly<Record<string, number>>,
): Namespace {
  const device = fipDeviceName(network.name);
  const routers = view.routers.flatMap((router) => {
    const number = numbers[router.id];
    if (router.gateway?.network !== network.name || number === undefined) return [];
    return [{ router, table: kFirstTable + number, fips: distributedFips(router), ...fipLink(router.id, number) }];
  });
  const hosts = ipsOf(fg.addresses, 4).map((ip) => `${ip}/32`);
  const fips = routers.flatMap(({ fips: those }) => those.map(({ ip }) => ip));
  return {
    name: fipNamespaceName(network.name),
    sysctls: [...namespaceSysctls, 'net/ipv4/ip_nonlocal_bind=1'],
    devices: [
      {
        name: device, from: { tap: fipPortName(network.name) }, mac: fg.mac, mtuBytes: network.mtuBytes,
        addresses: fg.addresses, ipv6: fg.addresses.some((address) => address.includes(':')), onlink: true,
        // No delay: there is one who answers.
        sysctls: [`net/ipv4/conf/${device}/proxy_arp=1`, `net/ipv4/neigh/${device}/proxy_delay=0`],
      },
      ...routers.map(({ router, fpr, rfp }) => endDevice(fpr, rfp, routerNamespaceName(router.id), network.mtuBytes)),
    ],
    neighbours: routers.map(({ fpr, rfp }) => endNeighbour(fpr, rfp)),
    routes: [
      ...onLinkRoutes(network, device, fg.addresses),
      ...routers.flatMap(({ router, table, fips: those, fpr, rfp }) => [
        ...those.map(({ ip }): Route => ({ destination: `${ip}/32`, via: rfp.ip, device: fpr.device })),
        ...withDefaults(asked(router, view, device, table), defaultRoutes(network, device, hosts, table)),
      ]),
    ],
    rules: routers.map(({ fpr, table }) => ({ priority: kLinkPriority, table, iif: fpr.device })),
    nft: fipTable(device, [...ipsOf(fg.addresses, 4), ...fips]),
    announced: fips.map((ip) => ({ device, mac: fg.mac, ip })),
  };
}

/** What the router's tenants want sent to a next hop in the external network; floating IPs are of IPv4. */
const asked = (router: RouterView, view: NodeView, device: string, table: number): Route[] =>
  routesOutside(router, view).filter(({ via }) => !via.includes(':'))
    .map(({ destination, via }) => ({ destination, via, device, table }));
