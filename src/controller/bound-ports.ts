/**
 * The ports that are bound somewhere, by network and by node: a port that is bound nowhere is known nowhere.
 * Derived from the ports before, a change costs what the networks and nodes of the changed ports have.
 */
import type { LocalPortView, PortView } from '../model/node-view.js';
import type { Binding, Port } from '../model/resources.js';
import { keptEqual, keptList, keysChanged } from './sharing.js';

export interface BoundPorts {
  /** In the order of their names. */
  readonly inNetwork: ReadonlyMap<string, readonly PortView[]>;
  readonly onNode: ReadonlyMap<string, NodePorts>;
}

export interface NodePorts {
  /** In the order of their names. */
  readonly ports: readonly LocalPortView[];
  /** The networks they are in. */
  readonly networks: ReadonlySet<string>;
}

type Ports = ReadonlyMap<string, Port>;
type BoundPort = Port & { readonly binding: Binding };

const nothing: BoundPorts = { inNetwork: new Map(), onNode: new Map() };
const noPorts: Ports = new Map();

/** Ports never change, so what was derived from them stays right. */
const derived = new WeakMap<Ports, BoundPorts>();

/** @param before ports that were derived from: what is as it was there is taken over. */
export function boundPorts(ports: Ports, before = noPorts): BoundPorts {
  const known = derived.get(ports);
  if (known !== undefined) return known;
  const next = changed(before === noPorts ? nothing : boundPorts(before), before, ports);
  derived.set(ports, next);
  return next;
}

function changed(last: BoundPorts, before: Ports, after: Ports): BoundPorts {
  const [networks, nodes] = [new Groups<PortView>(), new Groups<LocalPortView>()];
  for (const name of keysChanged(before, after)) {
    const [old, now] = [before.get(name), after.get(name)];
    if (isBound(old)) {
      networks.take(old.network, old.name);
      nodes.take(old.binding.node, old.name);
      if (old.binding.migration !== undefined) nodes.take(old.binding.migration.to, old.name);
    }
    if (isBound(now)) {
      networks.put(now.network, portView(now));
      nodes.put(now.binding.node, localPortView(now, now.binding));
      const { migration } = now.binding;
      if (migration !== undefined) nodes.put(migration.to, { ...localPortView(now, migration), incoming: true });
    }
  }
  return {
    inNetwork: networks.appliedTo(last.inNetwork, (list) => list, (_, list) => list),
    onNode: nodes.appliedTo(last.onNode, ({ ports }) => ports, nodePorts),
  };
}

function nodePorts(last: NodePorts | undefined, ports: readonly LocalPortView[]): NodePorts {
  const networks = new Set(ports.map(({ network }) => network));
  const isAsBefore = last?.networks.size === networks.size && [...networks].every((name) => last.networks.has(name));
  return { ports, networks: isAsBefore ? last.networks : networks };
}

/** What changes in groups of things with names: who goes, and who comes instead. */
class Groups<One extends { readonly name: string }> {
  private readonly changes = new Map<string, Map<string, One | undefined>>();

  take(group: string, name: string): void {
    this.changesOf(group).set(name, undefined);
  }

  put(group: string, one: One): void {
    this.changesOf(group).set(one.name, one);
  }

  /** The groups after it; those that nothing changes in are the same objects, and an empty one is none. */
  appliedTo<Group>(
    groups: ReadonlyMap<string, Group>,
    listOf: (group: Group) => readonly One[],
    groupOf: (last: Group | undefined, list: readonly One[]) => Group,
  ): ReadonlyMap<string, Group> {
    const next = new Map(groups);
    for (const [name, changes] of this.changes) {
      const last = groups.get(name);
      const list = last === undefined ? [] : listOf(last);
      const now = keptList(list, merged(list, changes));
      if (now.length === 0) next.delete(name);
      else if (now !== list) next.set(name, groupOf(last, now));
    }
    return keysChanged(groups, next).length === 0 ? groups : next;
  }

  private changesOf(group: string): Map<string, One | undefined> {
    const found = this.changes.get(group) ?? new Map<string, One | undefined>();
    this.changes.set(group, found);
    return found;
  }
}

function merged<One extends { readonly name: string }>(
  list: readonly One[],
  changes: ReadonlyMap<string, One | undefined>,
): readonly One[] {
  const coming = new Map([...changes].filter((change): change is [string, One] => change[1] !== undefined));
  const staying: One[] = [];
  for (const one of list) {
    if (!changes.has(one.name)) {
      staying.push(one);
      continue;
    }
    const next = coming.get(one.name);
    if (next !== undefined) coming.set(one.name, keptEqual(one, next));
  }
  return [...staying, ...coming.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function isBound(port: Port | undefined): port is BoundPort {
  return port?.binding !== undefined;
}

function portView(port: BoundPort): PortView {
  return {
    name: port.name,
    mac: port.mac,
    ips: port.ips,
    node: port.binding.node,
    ...(port.binding.migration === undefined ? {} : { migratingTo: port.binding.migration.to }),
    allowedAddressPairs: port.allowedAddressPairs.map(({ ip, mac }) => ({ ip, mac: mac ?? port.mac })),
  };
}

function localPortView(
  { name, network, portSecurity }: BoundPort,
  { attachment }: Pick<Binding, 'attachment'>,
): LocalPortView {
  return { name, network, portSecurity, ...(attachment === undefined ? {} : { attachment }) };
}
