/** Networks as nodes see them: the same everywhere, but for the node itself among those who get broadcasts. */
import { mtuCeiling } from '../model/mtu.js';
import type { NetworkView } from '../model/node-view.js';
import { remembered } from '../model/remembered.js';
import type { Network, Node, Router } from '../model/resources.js';
import { routerIpsOf } from '../model/topology-routers.js';
import type { Intent } from './intent.js';
import { l2Population, type Flood } from './l2-population.js';
import { placesOf } from './router-copies.js';
import { derivation, keptEqual, keysChanged, made, type Made } from './sharing.js';

type Common = Omit<NetworkView, 'floodVteps'>;

export interface NetworkPart {
  readonly common: Common;
  readonly flood: Flood;
  /** The same object whenever it is asked for. */
  readonly viewOn: (node: string) => NetworkView;
}

/** By network; the part of before wherever it would say the same, to each node. */
export const networkParts = derivation<ReadonlyMap<string, Made<NetworkPart>>>(
  (intent, before) => [intent.networks, intent.routers, underlayMtu(intent.nodes), l2Population(intent, before)],
  (intent, last) => {
    const [population, { inNetwork }] = [l2Population(intent), placesOf(intent.routers)];
    const next = new Map([...intent.networks].map(([name, network]) => {
      const { ports, flood } = population(name);
      const routers = inNetwork.get(name) ?? [];
      const mtuBytes = networkMtu(intent, network);
      return [name, made(last?.get(name), [network, mtuBytes, ports, flood, ...routers], (before) =>
        partOf(before, commonOf(network, mtuBytes, ports, routers), flood))];
    }));
    return last !== undefined && keysChanged(last, next).length === 0 ? last : next;
  },
);

/** MTU of a network: its wish, or all that the smallest underlay leaves. */
export function networkMtu(intent: Intent, network: Network): number {
  return network.mtuBytes ?? underlayMtu(intent.nodes);
}

const underlayMtu = remembered((nodes: ReadonlyMap<string, Node>) => mtuCeiling(nodes.values())?.mtuBytes ?? 0);

function partOf(before: NetworkPart | undefined, wanted: Common, flood: Flood): NetworkPart {
  const common = keptEqual(before?.common, wanted);
  if (before?.common === common && before.flood === flood) return before;
  const views = new Map<string, NetworkView>();
  return {
    common,
    flood,
    viewOn: (node) => {
      const key = flood.has(node) ? node : '';
      const view = views.get(key) ?? { ...common, floodVteps: flood.vtepsFrom(node) };
      views.set(key, view);
      return view;
    },
  };
}

function commonOf(
  network: Network,
  mtuBytes: number,
  ports: NetworkView['ports'],
  routers: readonly Router[],
): Common {
  const { name, vni, subnets } = network;
  const routerIps = routerIpsOf(routers, name);
  return {
    name,
    vni,
    mtuBytes,
    // Without a router VMs get no default route: nobody would answer for the gateway.
    subnets: subnets.map(({ cidr, gatewayIp, ipv6 }) => ({
      cidr,
      ...(gatewayIp !== undefined && routerIps.has(gatewayIp) ? { gatewayIp } : {}),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    })),
    ports,
    routerInterfaces: routers.flatMap(({ id, interfaces }) =>
      interfaces
        .filter((one) => one.network === name)
        .map(({ mac, addresses }) => ({ routerId: id, mac, addresses })),
    ),
  };
}
