/**
 * L2 population: which MACs and VNIs live on which node. The whole FDB comes from here; br-tun learns
 * nothing but what interop VTEPs make it learn.
 */
import type { Binding, Port } from '../model/resources.js';
import { byName, type Intent } from './intent.js';

export type BoundPort = Port & { readonly binding: Binding };

/** The bound ports by network; a port that is bound nowhere is known nowhere. */
export interface L2Population {
  readonly portsOf: (network: string) => readonly BoundPort[];
  /** The ports bound to the node. */
  readonly portsOn: (node: string) => readonly BoundPort[];
  /** Networks that have a port on the node. */
  readonly networksOn: (node: string) => ReadonlySet<string>;
  /** Who gets the network's broadcasts from `node`: nodes with a port of it, and foreign VTEPs in it. */
  readonly floodVteps: (network: string, node: string) => readonly string[];
}

export function l2Population(intent: Intent): L2Population {
  const ports = new Map<string, BoundPort[]>();
  const local = new Map<string, BoundPort[]>();
  const networks = new Map<string, Set<string>>();
  const members = new Map<string, Set<string>>();
  for (const port of byName(intent.ports)) {
    if (!isBound(port)) continue;
    entryOf(ports, port.network, () => []).push(port);
    entryOf(local, port.binding.node, () => []).push(port);
    entryOf(networks, port.binding.node, () => new Set<string>()).add(port.network);
    entryOf(members, port.network, () => new Set<string>()).add(port.binding.node);
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

export function isBound(port: Port): port is BoundPort {
  return port.binding !== undefined;
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
