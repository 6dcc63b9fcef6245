/** Which node does the NAT of each floating IP, by which router and to which address. */
import { familyOf } from '../model/addresses.js';
import type { FloatingIpView } from '../model/node-view.js';
import { reachOf, type Reach } from '../model/reach.js';
import type { FloatingIp, Node, Router } from '../model/resources.js';
import { hasUplinkTo } from '../model/uplinks.js';
import { floatingIpKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { forwardedPorts } from './port-forwardings.js';
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

/** Intents never change, so what was derived from one stays right. */
const derived = new WeakMap<Intent, PlacedFloatingIps>();

export function placedFloatingIps(intent: Intent): PlacedFloatingIps {
  const known = derived.get(intent);
  if (known !== undefined) return known;
  const around: Around = { reach: reachOf(byName(intent.routers)), forwarded: forwardedPorts(intent) };
  const byKey = new Map<string, PlacedFloatingIp>();
  const byPlace = new Map<string, FloatingIpView[]>();
  for (const floatingIp of byName(intent.floatingIps)) {
    const placed = place(intent, around, floatingIp);
    if (placed === undefined) continue;
    byKey.set(floatingIpKey(floatingIp), placed);
    for (const node of nodesOf(intent, placed)) {
      const at = `${node}/${placed.router}`;
      const views = byPlace.get(at) ?? [];
      views.push(placed.view);
      byPlace.set(at, views);
    }
  }
  const placed = { byKey, on: (node: string, router: string) => byPlace.get(`${node}/${router}`) ?? [] };
  derived.set(intent, placed);
  return placed;
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
  { ip, network, port: name, fixedIp: wish, placement: wanted }: FloatingIp,
): PlacedFloatingIp | undefined {
  const port = name === undefined ? undefined : intent.ports.get(name);
  const fixedIp = port?.ips.find((one) => (wish === undefined ? familyOf(one) === 4 : one === wish));
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
