/**
 * L2 population: which MACs and VNIs live on which node. The whole FDB comes from here; br-tun learns
 * nothing but what interop VTEPs make it learn.
 *
 * The `sg-` devices of routers' gateways are ports of their networks, on the node that does the source NAT.
 */
import { withoutPrefix } from '../model/addresses.js';
import { snatPortName } from '../model/device-names.js';
import type { PeerView, PortView } from '../model/node-view.js';
import { remembered } from '../model/remembered.js';
import type { InteropVtep } from '../model/resources.js';
import { heldAddresses } from './address-holders.js';
import { boundPorts } from './bound-ports.js';
import { byName } from './intent.js';
import { derivation, keptEqual, keptList, keptObject, made, type Made } from './sharing.js';
import { snatNodesOf } from './snat-nodes.js';

/** One network, as all nodes that know it see it. */
export interface NetworkPopulation {
  /** Those that are bound: tenants' in the order of their names, then routers'. */
  readonly ports: readonly PortView[];
  readonly flood: Flood;
}

/** Who gets a network's broadcasts: nodes with a port of it, and foreign VTEPs in it. */
export interface Flood {
  readonly to: readonly PeerView[];
  /** Whether the node is one of them. */
  readonly has: (node: string) => boolean;
  /** All but the node that sends; the same list whenever it is asked for. */
  readonly vtepsFrom: (node: string) => readonly string[];
}

/** Everything that has a VTEP: the nodes by name, then what is foreign. */
export const peers = derivation<readonly PeerView[]>(
  ({ nodes, interopVteps }) => [nodes, interopVteps],
  (intent, last = []) => {
    const before = new Map(last.map((peer) => [peerKey(peer), peer]));
    const all = [
      ...byName(intent.nodes).map(({ name, vtepIp, dvrMac }): PeerView => ({ name, vtepIp, dvrMac, interop: false })),
      ...byName(intent.interopVteps).map(({ name, vtepIp }): PeerView => ({ name, vtepIp, interop: true })),
    ];
    return keptList(last, all.map((peer) => keptEqual(before.get(peerKey(peer)), peer)));
  },
);

const peerKey = ({ name, interop }: PeerView): string => `${name} ${interop}`;

/** A function from networks to who is in them; the parts of before wherever they would say the same. */
export const l2Population = derivation<(network: string) => NetworkPopulation>(
  (intent, before) => [populations(intent, before)],
  (intent) => {
    const known = populations(intent);
    return (network) => known.get(network)?.value ?? nobody;
  },
);

const populations = derivation<ReadonlyMap<string, Made<NetworkPopulation>>>(
  (intent, before) => [
    intent.networks,
    intent.interopVteps,
    boundPorts(intent.ports, before?.ports).inNetwork,
    snatPorts(intent, before),
    peers(intent, before),
    heldAddresses(intent, before),
  ],
  (intent, last) => {
    const held = heldAddresses(intent);
    const [bound, routers, all] = [boundPorts(intent.ports).inNetwork, snatPorts(intent), peers(intent)];
    const foreign = vtepsByNetwork(intent.interopVteps);
    return new Map([...intent.networks.keys()].map((name) => {
      const [tenants, ofRouters, vteps] = [bound.get(name), routers.get(name), foreign.get(name)];
      return [name, made(last?.get(name), [tenants, ofRouters, vteps, all, held.get(name)], (before) => {
        const ports = [...withHolds(tenants ?? [], held.get(name), before?.ports), ...(ofRouters?.ports ?? [])];
        const members = new Set([...ports.flatMap(({ node, migratingTo }) => [node, migratingTo]), ...(ofRouters?.standby ?? [])]);
        const to = all.filter((peer) => (peer.interop ? vteps?.has(peer.name) : members.has(peer.name)));
        const flood = keptList(before?.flood.to, to);
        return keptObject(before, {
          ports: keptList(before?.ports, ports),
          flood: before?.flood.to === flood ? before.flood : floodTo(flood),
        });
      })];
    }));
  },
);

/** The ports, with what they hold of addresses that may move. */
function withHolds(
  ports: readonly PortView[],
  held: ReadonlyMap<string, PortView['holds']> | undefined,
  last: readonly PortView[] = [],
): readonly PortView[] {
  if (held === undefined) return ports;
  const before = new Map(last.map((port) => [port.name, port]));
  return ports.map((port) => {
    const holds = held.get(port.name);
    return holds === undefined ? port : keptEqual(before.get(port.name), { ...port, holds });
  });
}

const nobody: NetworkPopulation = { ports: [], flood: floodTo([]) };

function floodTo(to: readonly PeerView[]): Flood {
  const nodes = new Set(to.filter(({ interop }) => !interop).map(({ name }) => name));
  const lists = new Map<string, readonly string[]>();
  const listWithout = (left: string): readonly string[] =>
    to.filter(({ name, interop }) => interop || name !== left).map(({ vtepIp }) => vtepIp);
  return {
    to,
    has: (node) => nodes.has(node),
    vtepsFrom: (node) => {
      const key = nodes.has(node) ? node : '';
      const list = lists.get(key) ?? listWithout(key);
      lists.set(key, list);
      return list;
    },
  };
}

/** The `sg-` devices in one network. */
interface SnatPorts {
  readonly ports: readonly PortView[];
  /** Who may take over must hear what the one before heard. */
  readonly standby: readonly string[];
}

const snatPorts = derivation<ReadonlyMap<string, SnatPorts>>(
  ({ gateways, nodes, externalNetworks }) => [gateways, nodes, externalNetworks],
  (intent, last) => {
    const found = new Map<string, { ports: PortView[]; standby: string[] }>();
    for (const gateway of byName(intent.gateways)) {
      const [node, ...standby] = snatNodesOf(intent, gateway);
      if (node === undefined) continue;
      for (const { network, mac, addresses } of gateway.snatPorts) {
        const name = snatPortName(gateway.router, network);
        const here = found.get(network) ?? { ports: [], standby: [] };
        here.ports.push({ name, mac, ips: addresses.map(withoutPrefix), node, allowedAddressPairs: [] });
        here.standby.push(...standby);
        found.set(network, here);
      }
    }
    return new Map([...found].map(([network, ports]) => [network, keptEqual(last?.get(network), ports)]));
  },
);

const vtepsByNetwork = remembered((vteps: ReadonlyMap<string, InteropVtep>) => {
  const found = new Map<string, Set<string>>();
  for (const { name, networks } of vteps.values())
    for (const network of networks) found.set(network, (found.get(network) ?? new Set<string>()).add(name));
  return found;
});
