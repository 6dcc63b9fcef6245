/**
 * Everything the controller holds, as values: what it keeps on disk (Intent) and what agents last said.
 * A state is never changed, only replaced; whoever holds one may keep it.
 */
import type { MacAddress } from '../model/addresses.js';
import type {
  AddressHolder,
  ExternalNetworkIntent,
  FgPort,
  FloatingIp,
  Gateway,
  InteropVtep,
  Network,
  Node,
  Port,
  Router,
} from '../model/resources.js';
import type { NodeReport } from '../model/node-view.js';
import type { Underlay } from '../model/topology.js';
import { remembered } from '../model/remembered.js';
import type { Quotas } from './api/writes.js';
import type { Records } from './records.js';

/** What must survive a restart: people's wishes and every number given out. Keyed by name. */
export interface Intent {
  /** Counts the changes that changed any node's view. */
  readonly generation: number;
  /** SHA-256 of the topology applied last: the same one again is no change. */
  readonly topologyDigest?: string;
  /** As the topology applied last has it: every VTEP is in it. */
  readonly underlay?: Underlay;
  readonly nodes: ReadonlyMap<string, Node>;
  /** DVR MACs of all nodes there ever were. */
  readonly dvrMacs: ReadonlyMap<string, MacAddress>;
  readonly interopVteps: ReadonlyMap<string, InteropVtep>;
  readonly networks: ReadonlyMap<string, Network>;
  readonly externalNetworks: ReadonlyMap<string, ExternalNetworkIntent>;
  readonly routers: ReadonlyMap<string, Router>;
  readonly ports: ReadonlyMap<string, Port>;
  /** Keyed by network and address: two external networks may have the same addresses. */
  readonly floatingIps: ReadonlyMap<string, FloatingIp>;
  /** What routers with a gateway were given, by router; settled after every command (gateways.ts). */
  readonly gateways: ReadonlyMap<string, Gateway>;
  /** By network and node. */
  readonly fgPorts: ReadonlyMap<string, FgPort>;
  /** By project, what it may have otherwise than by default. */
  readonly quotas: ReadonlyMap<string, Quotas>;
  /** What the API says of all these; settled after every command (records.ts). */
  readonly records: Records;
  /** By network and address (address-holders.ts). */
  readonly addressHolders: ReadonlyMap<string, AddressHolder>;
}

export interface ControllerState {
  readonly intent: Intent;
  /** The latest report of each node; gone after a restart, agents report again. */
  readonly reports: ReadonlyMap<string, NodeReport>;
}

export const emptyIntent: Intent = {
  generation: 0,
  nodes: new Map(),
  dvrMacs: new Map(),
  interopVteps: new Map(),
  networks: new Map(),
  externalNetworks: new Map(),
  routers: new Map(),
  ports: new Map(),
  floatingIps: new Map(),
  gateways: new Map(),
  fgPorts: new Map(),
  records: new Map(),
  addressHolders: new Map(),
  quotas: new Map(),
};

export const emptyState: ControllerState = { intent: emptyIntent, reports: new Map() };

/** The map with one entry set, the old one untouched. */
export function withEntry<Value>(
  map: ReadonlyMap<string, Value>,
  key: string,
  value: Value,
): ReadonlyMap<string, Value> {
  return new Map(map).set(key, value);
}

/** The map without one entry, the old one untouched. */
export function withoutEntry<Value>(
  map: ReadonlyMap<string, Value>,
  key: string,
): ReadonlyMap<string, Value> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}

/** The entries in the order of their names, so that what is derived does not depend on history. */
export function byName<Value>(map: ReadonlyMap<string, Value>): readonly Value[] {
  return sorted(map) as readonly Value[];
}

/** Maps never change, so they are sorted once. */
const sorted = remembered((map: ReadonlyMap<string, unknown>): readonly unknown[] =>
  [...map].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, value]) => value),
);
