/**
 * L2 population: which MACs and VNIs live on which node. The whole FDB comes from here; br-tun learns
 * nothing but what interop VTEPs make it learn.
 *
 * The `sg-` devices of routers' gateways are ports of their networks, on the node that does the source NAT.
 */
import { withoutPrefix } from '../model/addresses.js';
import { snatPortName } from '../model/device-names.js';
import type { PortView } from '../model/node-view.js';
import type { Binding, Port } from '../model/resources.js';
import { byName, type Intent } from './intent.js';
import { snatNodesOf } from './snat-nodes.js';

export type BoundPort = Port & { readonly binding: Binding };

/** The bound ports by network; a port that is bound nowhere is known nowhere. */
export interface L2Population {
  /** One list for all nodes of the network: view-text.ts writes it once. */
  readonly portsOf: (network: string) => readonly PortView[];
  /** The ports bound to the node. */
  readonly portsOn: (node: string) => readonly BoundPort[];
  /** Networks that have a port on the node which is bound there. */
  readonly networksOn: (node: string) => ReadonlySet<string>;
  /** Who gets the network's broadcasts from `node`: nodes with a port of it, and foreign VTEPs in it. */
  readonly floodVteps: (network: string, node: string) => readonly string[];
}

/** Intents never change, so what was derived from one stays right. */
const derived = new WeakMap<Intent, L2Population>();

export function l2Population(intent: Intent): L2Population {
  const known = derived.get(intent);
  if (known !== undefined) return known;
  const population = derive(intent);
  derived.set(intent, population);
  return population;
}

function derive(intent: Intent): L2Population {
  const ports = new Map<string, PortView[]>();
  const local = new Map<string, BoundPort[]>();
  const networks = new Map<string, Set<string>>();
  const members = new Map<string, Set<string>>();
  const add = (network: string, node: string, port: PortView): void => {
    entryOf(ports, network, () => []).push(port);
    entryOf(members, network, () => new Set<string>()).add(node);
  };
  for (const port of byName(intent.ports)) {
    if (!isBound(port)) continue;
    add(port.network, port.binding.node, portView(port));
    entryOf(local, port.binding.node, () => []).push(port);
    entryOf(networks, port.binding.node, () => new Set<string>()).add(port.network);
  }
  for (const gateway of byName(intent.gateways)) {
    const [node, ...standby] = snatNodesOf(intent, gateway);
    if (node === undefined) continue;
    for (const { network, mac, addresses } of gateway.snatPorts) {
      const name = snatPortName(gateway.router, network);
      const ips = addresses.map(withoutPrefix);
      add(network, node, { name, mac, ips, node, allowedAddressPairs: [] });
      // Who may take over must hear what the one before heard.
      for (const other of standby) members.get(network)?.add(other);
    }
  }
  return {
    portsOf: (network) => ports.get(network) ?? [],
    portsOn: (node) => local.get(node) ?? [],
    networksOn: (node) => networks.get(node) ?? new Set(),
    floodVteps: (network, node) => {
      const nodes = members.get(network);
      const vteps = byName(intent.nodes).filter(({ name }) => name !== node && nodes?.has(name));
      const interop = byName(intent.interopVteps).filter((vtep) =>
        vtep.networks.some((name) => name === network),
      );
      return [...vteps, ...interop].map(({ vtepIp }) => vtepIp);
    },
  };
}

function isBound(port: Port): port is BoundPort {
  return port.binding !== undefined;
}

function portView(port: BoundPort): PortView {
  return {
    name: port.name,
    mac: port.mac,
    ips: port.ips,
    node: port.binding.node,
    allowedAddressPairs: port.allowedAddressPairs.map(({ ip, mac }) => ({
      ip,
      mac: mac ?? port.mac,
    })),
  };
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
