/** Which node does the NAT of each floating IP, by which router and to which address. */
import { fixedIpOf } from '../model/external-ip.js';
import type { FloatingIpView } from '../model/node-view.js';
import { reachOf, type Reach } from '../model/reach.js';
import { remembered } from '../model/remembered.js';
import type { FloatingIp, Node, Port, Router } from '../model/resources.js';
import { hasUplinkTo } from '../model/uplinks.js';
import { floatingIpKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { forwardedPorts } from './port-forwardings.js';
import { derivation, keptEqual, keptList, keysChanged, made, type Made } from './sharing.js';
import { snatNodesOf } from './snat-nodes.js';

export interface PlacedFloatingIp {
  readonly router: Router['id'];
  /** Absent: the router has no network node, so that nobody can do it. */
  readonly node?: Node['name'];
  readonly view: FloatingIpView;
}

export interface PlacedFloatingIps {
  /** By network and address; one that is only kept, or whose port or address has gone, is not in it. */
  readonly byKey: ReadonlyMap<string, PlacedFloatingIp>;
  /** Those that the node does for the router, or would if it had to. */
  readonly on: (node: string, router: string) => readonly FloatingIpView[];
}

/** One floating IP, and what decides of it that is not the same for all. */
type Decided = Made<PlacedFloatingIp | undefined>;

const decided = derivation<ReadonlyMap<string, Decided>>(
  ({ floatingIps, ports, networks, externalNetworks, nodes, routers, gateways }) =>
    [floatingIps, ports, networks, externalNetworks, nodes, routers, gateways],
  (intent, last) => {
    const { networks, externalNetworks, nodes, routers, gateways } = intent;
    const around: Around = { reach: reaches(byName(routers)), forwarded: forwardedPorts(intent) };
    return new Map(byName(intent.floatingIps).map((floatingIp) => {
      const key = floatingIpKey(floatingIp);
      const port = floatingIp.port === undefined ? undefined : intent.ports.get(floatingIp.port);
      const of = [floatingIp, port, networks, externalNetworks, nodes, routers, gateways];
      return [key, made(last?.get(key), of, (before) => keptEqual(before, place(intent, around, floatingIp, port)))];
    }));
  },
);

const reaches = remembered((routers: readonly Router[]) => reachOf(routers));

const placed = derivation<Placed>(
  (intent, before) => [decided(intent, before), intent.nodes, intent.gateways, intent.externalNetworks],
  (intent, last) => {
    const byKey = new Map([...decided(intent)].flatMap(([key, { value }]) => (value === undefined ? [] : [[key, value]])));
    const byPlace = new Map<string, FloatingIpView[]>();
    for (const one of byKey.values()) {
      for (const node of nodesOf(intent, one)) {
        const at = `${node}/${one.router}`;
        const views = byPlace.get(at) ?? [];
        views.push(one.view);
        byPlace.set(at, views);
      }
    }
    const lists = new Map([...byPlace].map(([at, views]) => [at, keptList(last?.byPlace.get(at), views)]));
    const isAsBefore = last !== undefined && keysChanged(last.byKey, byKey).length + keysChanged(last.byPlace, lists).length === 0;
    return isAsBefore ? last : { byKey, byPlace: lists, on: placesIn(lists) };
  },
);

/** By itself, so that it holds these lists and nothing that they were made from. */
const placesIn = (lists: ReadonlyMap<string, readonly FloatingIpView[]>): PlacedFloatingIps['on'] =>
  (node, router) => lists.get(`${node}/${router}`) ?? none;

interface Placed extends PlacedFloatingIps {
  readonly byPlace: ReadonlyMap<string, readonly FloatingIpView[]>;
}

/** One list for all, so that it is the same. */
const none: readonly FloatingIpView[] = [];

/** @param before the intent before, where that is known: lists that are as they were there are the same. */
export function placedFloatingIps(intent: Intent, before?: Intent): PlacedFloatingIps {
  return placed(intent, before);
}

function nodesOf(intent: Intent, { router, node, view }: PlacedFloatingIp): readonly Node['name'][] {
  if (view.placement === 'central') return snatNodesOf(intent, intent.gateways.get(router));
  return node === undefined ? [] : [node];
}

interface Around {
  readonly reach: Reach<Router>;
  readonly forwarded: ReadonlySet<string>;
}

function place(
  intent: Intent,
  { reach, forwarded }: Around,
  { ip, network, fixedIp: wish, placement: wanted }: FloatingIp,
  port: Port | undefined,
): PlacedFloatingIp | undefined {
  const fixedIp = port && fixedIpOf(port.ips, wish);
  const external = intent.externalNetworks.get(network);
  if (port === undefined || fixedIp === undefined || external === undefined) return undefined;
  const subnets = intent.networks.get(port.network)?.subnets ?? [];
  const router = reach(network, { network: port.network, subnets, fixedIp });
  if (router === undefined) return undefined;
  // What a port answers has one way: where single ports are forwarded to it, that is to the SNAT namespace.
  const bound = wanted === 'central' || forwarded.has(port.name) ? undefined : port.binding?.node;
  const hasUplink = bound !== undefined && hasUplinkTo(intent.nodes.get(bound), external.physicalNetwork);
  const own = hasUplink ? bound : undefined;
  const node = own ?? intent.gateways.get(router.id)?.node;
  const placement = own === undefined ? 'central' : 'distributed';
  return {
    router: router.id,
    ...(node === undefined ? {} : { node }),
    view: { ip, network, fixedIp, port: port.name, placement },
  };
}
