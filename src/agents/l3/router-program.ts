/**
 * The rows about routers: `router_macs`, every router MAC of a network with the way to this node's copy of
 * that router, and `routes`, what each copy here routes where. Seed steps EW1 ("forwards it to DVR router
 * r1"), EW2 and EW3, and EW5 (br-tun knows router MACs by the same rows).
 *
 * A router without a copy here has port 0: its MAC must be known all the same, or a frame from it could
 * cross the wire as anybody's. Routes are there whichever way a router's traffic takes, so that a switch
 * from one way to the other changes a row for each of its interfaces and nothing else.
 */
import type { Row } from '../../dataplane/rows.js';
import {
  broadcastAddress, contains, familyOf, networkAddress, parseCidr, parseIp, prefixBitsOf, widthOf,
  withoutPrefix, type Cidr, type InterfaceAddress, type IpAddress,
} from '../../model/addresses.js';
import { routerPortName } from '../../model/device-names.js';
import type { NodeView, RouterView } from '../../model/node-view.js';
import { routesOutside } from '../../namespaces/outside-network.js';
import type { LocalIds } from '../local-ids.js';
import type { RouterWays } from './router-ways.js';

/** The row's port where no copy of the router is on this node. */
const kNotHere = 0;
/** The row's router where its namespace routes. */
const kByNamespace = 0;
/** The next hop of a connected route: the destination itself. */
const kDestination = '::';

export function routerProgram(view: NodeView, ids: LocalIds, ways: RouterWays): Row[] {
  return [
    ...routerMacRows(view, ids, ways),
    ...view.routers.flatMap((router) => {
      const number = ids.routers[router.id];
      return number === undefined ? [] : routesOf(router, number, ids, view);
    }),
  ];
}

function routerMacRows(view: NodeView, ids: LocalIds, ways: RouterWays): Row[] {
  return view.networks.flatMap(({ name, routerInterfaces }) => {
    const localVlan = ids.localVlans[name];
    if (localVlan === undefined) return [];
    return routerInterfaces.map(({ routerId, mac }): Row => {
      const port = ids.ports[routerPortName(routerId, name)] ?? kNotHere;
      const isFast = port !== kNotHere && ways.get(routerId)?.way === 'fast';
      const router = isFast ? ids.routers[routerId] ?? kByNamespace : kByNamespace;
      return {
        table: 'router_macs', key: { local_vlan: localVlan, mac }, value: { namespace_port: port, router },
      };
    });
  });
}

/** One subnet that the router's copy here has a device in. */
interface Link {
  readonly cidr: Cidr;
  readonly own: IpAddress;
  readonly localVlan: number;
  readonly mac: string;
}

/**
 * What the kernel's tables hold for the same router, in the order in which it asks them: own addresses
 * (its table `local`), then static and connected routes. Where those two have one prefix, `ip route
 * replace` has put the static one in the other's place for IPv4, and behind it for IPv6.
 */
function routesOf(router: RouterView, number: number, ids: LocalIds, view: NodeView): Row[] {
  const links = linksOf(router, ids);
  const row = (prefix: Cidr, { localVlan, mac }: Link, nextHop: string, toNamespace = false): Row => ({
    table: 'routes',
    key: { router: number, prefix_bits: bitsOf(prefix), ip: networkAddress(prefix) },
    value: { local_vlan: localVlan, gateway_mac: mac, next_hop: nextHop, to_namespace: toNamespace },
  });
  const own = links.flatMap((link) =>
    ownAddresses(link).map((ip) => row(hostPrefix(ip), link, kDestination, true)));
  const connected = links.map((link) => row(link.cidr, link, kDestination));
  const fixed = router.routes.flatMap(({ destination, via }) => {
    const [prefix, nextHop] = [cidrOf(destination), parseIp(via)];
    const link = nextHop && linkOf(nextHop, links);
    if (prefix === undefined || link === undefined || link.own === nextHop) return [];
    return [{ family: familyOf(prefix), row: row(prefix, link, nextHop ?? via) }];
  });
  // Where the kernel throws, so that no less specific route takes what is for outside.
  const [anyLink] = links;
  const outside = anyLink === undefined ? [] : routesOutside(router, view).flatMap(({ destination }) => {
    const prefix = cidrOf(destination);
    return prefix === undefined ? [] : [row(prefix, anyLink, kDestination, true)];
  });
  const of = (family: number): Row[] => fixed.filter((one) => one.family === family).map((one) => one.row);
  return [...own, ...outside, ...of(4), ...connected, ...of(6)];
}

/** Where a device or a local VLAN is missing the kernel has no such interface either. */
function linksOf({ id, interfaces }: RouterView, ids: LocalIds): Link[] {
  return interfaces.flatMap(({ network, mac, addresses }) => {
    const localVlan = ids.localVlans[network];
    if (localVlan === undefined || ids.ports[routerPortName(id, network)] === undefined) return [];
    return addresses.flatMap((address): Link[] => {
      const cidr = cidrOf(address);
      const own = withoutPrefix(address as InterfaceAddress);
      return cidr === undefined ? [] : [{ cidr, own, localVlan, mac }];
    });
  });
}

/** The most specific subnet with the next hop in it. */
function linkOf(nextHop: IpAddress, links: readonly Link[]): Link | undefined {
  return links.filter(({ cidr }) => contains(cidr, nextHop))
    .reduce<Link | undefined>((best, link) =>
      (best !== undefined && prefixBitsOf(best.cidr) >= prefixBitsOf(link.cidr) ? best : link), undefined);
}

/**
 * What is for the router itself in a subnet: its address, and IPv4's broadcast address or IPv6's
 * subnet-router anycast address (RFC 4291 §2.6.1), where the subnet is large enough to have one.
 */
function ownAddresses({ cidr, own }: Link): IpAddress[] {
  if (widthOf(familyOf(cidr)) - prefixBitsOf(cidr) < 2) return [own];
  const shared = familyOf(cidr) === 4 ? broadcastAddress(cidr) : networkAddress(cidr);
  return shared === undefined ? [own] : [own, shared];
}

const hostPrefix = (ip: IpAddress): Cidr => `${ip}/${widthOf(familyOf(ip))}` as Cidr;

/** Tables keep IPv4 in IPv6's last 32 bits. */
const bitsOf = (prefix: Cidr): number => 128 - widthOf(familyOf(prefix)) + prefixBitsOf(prefix);

function cidrOf(text: string): Cidr | undefined {
  const parsed = parseCidr(text);
  return parsed.kind === 'malformed' ? undefined : parsed.cidr;
}
