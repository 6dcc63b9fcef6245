/** Where a resource that a client names by its UUID is in the intent, and what it will be called inside. */
import { parseName, type Name } from '../../model/identifiers.js';
import type { ExternalNetworkIntent, Network, Subnet } from '../../model/resources.js';
import { notFound } from '../api/faults.js';
import type { Intent } from '../intent.js';
import { recordById, recordOf, type ResourceRecord } from '../records.js';
import { subnetKey, type Kind } from '../resource-index.js';

/** @throws NeutronFault what Neutron answers for a UUID that is nobody's. */
export function requireRecord(intent: Intent, kind: Kind, id: string): ResourceRecord {
  const record = recordById(intent, kind, id);
  if (record === undefined) throw notFound(kind, id);
  return record;
}

/** The UUID of what is there. */
export function idOf(intent: Intent, kind: Kind, key: string): string {
  const record = recordOf(intent, kind, key);
  if (record === undefined) throw new Error(`${kind} ${key} has no record`);
  return record.id;
}

export type AnyNetwork =
  | { readonly record: ResourceRecord; readonly external: false; readonly network: Network }
  | { readonly record: ResourceRecord; readonly external: true; readonly network: ExternalNetworkIntent };

/** @throws NeutronFault NetworkNotFound */
export function networkById(intent: Intent, id: string): AnyNetwork {
  return networkOfRecord(intent, requireRecord(intent, 'network', id));
}

export function networkOfRecord(intent: Intent, record: ResourceRecord): AnyNetwork {
  const tenant = intent.networks.get(record.key);
  if (tenant !== undefined) return { record, external: false, network: tenant };
  const network = intent.externalNetworks.get(record.key);
  if (network === undefined) throw notFound('network', record.id);
  return { record, external: true, network };
}

/** The intent with the network's subnets replaced. */
export function withSubnets(
  intent: Intent,
  { network, external }: AnyNetwork,
  subnets: readonly Subnet[],
): Intent {
  return external
    ? {
        ...intent,
        externalNetworks: new Map(intent.externalNetworks).set(network.name, { ...network, subnets }),
      }
    : { ...intent, networks: new Map(intent.networks).set(network.name, { ...network, subnets }) };
}

export interface KnownSubnet {
  readonly record: ResourceRecord;
  readonly home: AnyNetwork;
  readonly subnet: Subnet;
}

/** @throws NeutronFault SubnetNotFound */
export function subnetById(intent: Intent, id: string): KnownSubnet {
  return subnetOfRecord(intent, requireRecord(intent, 'subnet', id));
}

export function subnetOfRecord(intent: Intent, record: ResourceRecord): KnownSubnet {
  const name = record.key.slice(0, record.key.indexOf('/'));
  const home = recordOf(intent, 'network', name);
  const network = home && networkOfRecord(intent, home);
  const subnet = network?.network.subnets.find(({ cidr }) => subnetKey(name, cidr) === record.key);
  if (network === undefined || subnet === undefined) throw notFound('subnet', record.id);
  return { record, home: network, subnet };
}

/**
 * What a new resource is called inside: in namespaces, devices and walks. Its own name where that can be and
 * nobody else has it, so that people find what they made; else its UUID.
 */
export function handleFor(name: string, id: string, isTaken: (name: Name) => boolean): Name {
  const own = parseName(name);
  if (own !== undefined && !isTaken(own)) return own;
  const handle = parseName(id);
  if (handle === undefined) throw new Error(`${id} is no UUID`);
  return handle;
}
