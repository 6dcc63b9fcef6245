/**
 * What a router's SNAT namespace holds, on the one node that has it: seed step NS9 and the way back. Pure.
 *
 *   br-int ── sg-red 10.1.0.5/24 ──┐
 *   br-int ── sg-green 10.2.0.5/24 ┴── qg-ext 203.0.113.20/24 ── br-ex
 *
 * It sees both directions of every flow, so here and only here what conntrack does not know is dropped. The
 * way back is straight to the VM: its MAC is known, as everybody's is.
 */
import { familyOf, type Cidr } from '../model/addresses.js';
import { gatewayDeviceName, gatewayPortName, snatDeviceName, snatPortName } from '../model/device-names.js';
import type { ExternalNetworkView, FloatingIpView, GatewayView, NodeView, RouterView } from '../model/node-view.js';
import { snatNamespaceName } from './names.js';
import { namespaceSysctls, unreachable, type Namespace, type NamespaceDevice, type Route } from './namespace.js';
import { snatTable, type SnatWish } from './nft.js';
import { defaultRoutes, ipsOf, isIn, onLinkRoutes, routesOutside, withDefaults } from './outside-network.js';
import { subnetsOf, tenantNeighbours } from './tenant-neighbours.js';

const snatSysctls = [
  ...namespaceSysctls,
  // A connection is translated from its first packet on or not at all: none is taken up in the middle.
  'net/netfilter/nf_conntrack_tcp_loose=0',
  'net/netfilter/nf_conntrack_tcp_be_liberal=1',
  // Also of connections that were there before anybody listened.
  'net/netfilter/nf_conntrack_events=1',
  'net/ipv4/ip_nonlocal_bind=1',
];

/** @param gateway the router's, on the node that has its SNAT namespace. */
export function snatNamespace(
  router: RouterView, gateway: GatewayView, outside: ExternalNetworkView, view: NodeView,
): Namespace {
  const qg = gatewayDeviceName(gateway.network);
  const fips = (router.floatingIps ?? []).filter(({ placement }) => placement === 'central');
  const tenants = gateway.snatPorts.flatMap((port) => {
    const network = view.networks.find(({ name }) => name === port.network);
    return network === undefined ? [] : [{ ...port, view: network, device: snatDeviceName(port.network) }];
  });
  const subnets = subnetsOf(gateway.snatPorts);
  const nft = snatTable(natWish(gateway, qg, subnets, fips));
  const more = [...new Set([...fips.map(({ ip }) => ip), ...forwardedFrom(gateway)])];
  return {
    name: snatNamespaceName(router.id), sysctls: snatSysctls,
    devices: [
      ...tenants.map(({ network, device, mac, addresses, view: { mtuBytes } }) =>
        tapDevice(device, snatPortName(router.id, network), mac, mtuBytes, addresses)),
      tapDevice(qg, gatewayPortName(router.id), gateway.mac, outside.mtuBytes, [
        ...gateway.addresses, ...more.map((ip) => `${ip}/32`),
      ]),
    ],
    neighbours: tenants.flatMap((port) => tenantNeighbours(port.device, port.view, port.addresses)),
    routes: [...subnets.map(unreachable), ...routesOf(router, qg, gateway, outside, view)],
    rules: [],
    ...(nft === undefined ? {} : { nft }),
    announced: [...ipsOf(gateway.addresses, 4), ...more].map((ip) => ({ device: qg, mac: gateway.mac, ip })),
  };
}

function tapDevice(
  name: string, tap: string, mac: string, mtuBytes: number, addresses: readonly string[],
): NamespaceDevice {
  const ipv6 = addresses.some((address) => address.includes(':'));
  return { name, from: { tap }, mac, mtuBytes, addresses, ipv6, onlink: true, sysctls: [] };
}

/**
 * By qg: the network's other subnets, what tenants want sent to a next hop there, and the rest by the provider's
 * router. By sg-: what lies behind a tenant's port, but for the default, which would keep this namespace from the world.
 */
function routesOf(
  router: RouterView, qg: string, gateway: GatewayView, outside: ExternalNetworkView, view: NodeView,
): Route[] {
  const near = subnetsOf(gateway.snatPorts).map((cidr) => ({ cidr }));
  const asked = routesOutside(router, view).map(({ destination, via }) => ({ destination, via, device: qg }));
  const inside = router.routes.filter(({ via, destination }) => isIn(via, near) && !destination.endsWith('/0'))
    .map(({ destination, via }) => ({ destination, via }));
  return [
    ...onLinkRoutes(outside, qg, gateway.addresses),
    ...withDefaults(asked, defaultRoutes(outside, qg, gateway.addresses)), ...inside,
  ];
}

/** Floating IPs that are only forwarded from, port by port. */
function forwardedFrom({ addresses, portForwardings = [] }: GatewayView): string[] {
  const own = ipsOf(addresses, 4);
  return portForwardings.map(({ externalIp }) => externalIp).filter((ip) => !own.includes(ip));
}

function natWish(gateway: GatewayView, qg: string, tenants: readonly Cidr[], fips: readonly FloatingIpView[]): SnatWish {
  const outside = ipsOf(gateway.addresses, 4);
  const [snatTo] = outside;
  return {
    qg, outside: [...outside, ...forwardedFrom(gateway)], tenants: tenants.filter((cidr) => familyOf(cidr) === 4),
    forwardings: gateway.portForwardings ?? [],
    translations: fips.map(({ ip, fixedIp }) => ({ ip, fixedIp })),
    ...(gateway.snat && snatTo !== undefined ? { snatTo } : {}),
  };
}
