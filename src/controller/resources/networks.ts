/** Networks: tenants' own over VXLAN, and external ones on a provider's wire. */
import {
  DEFAULT_MTU_BYTES,
  MAX_EXTERNAL_NETWORKS,
  MAX_NETWORKS,
  MAX_PROVIDER_VLAN,
  MIN_MTU_BYTES,
} from '../../model/limits.js';
import { parseName, parseVni, type Name, type Vni } from '../../model/identifiers.js';
import type { ExternalNetworkIntent, Network } from '../../model/resources.js';
import { hasUplinkTo } from '../../model/uplinks.js';
import { allocateVni } from '../allocators/vni.js';
import type { Shown } from '../api/collection.js';
import type { Create, Update } from '../api/attributes/tables.js';
import { invalid, invalidInput, NeutronFault } from '../api/faults.js';
import { requireMtus } from '../node-commands.js';
import { withEntry, withoutEntry, type ControllerState, type Intent } from '../intent.js';
import { withRecord, type ResourceRecord } from '../records.js';
import { subnetKey } from '../resource-index.js';
import { networkMtu } from '../network-views.js';
import { handleFor, idOf, networkOfRecord } from './places.js';
import { commonOf, storedOf, wishOf, type Changes } from './resource.js';

/** What is kept for clients and changes no packet. */
const kept = ['shared', 'is_default', 'port_security_enabled'] as const;

/** The one zone there is. */
export const ZONE = 'nova';

export const networkChanges: Changes<'networks'> = {
  create: (intent, values, { id, at }) => {
    const wire = wireOf(values);
    const name = handleFor(
      values.name,
      id,
      (taken) => intent.networks.has(taken) || intent.externalNetworks.has(taken),
    );
    refuseTooMany(intent, values['router:external']);
    const next = values['router:external']
      ? {
          ...intent,
          externalNetworks: new Map(intent.externalNetworks).set(
            name,
            externalNetwork(intent, name, values, wire),
          ),
        }
      : {
          ...intent,
          networks: new Map(intent.networks).set(name, tenantNetwork(intent, name, values, wire)),
        };
    requireMtus(next.nodes, next.networks);
    return withRecord(next, { kind: 'network', key: name }, wishOf(undefined, values, kept), at, id);
  },
  update: (intent, record, values, at) => {
    const { network, external } = networkOfRecord(intent, record);
    if (values['router:external'] !== undefined && values['router:external'] !== external)
      throw invalidInput(
        `router:external of network ${record.id} cannot change: an external network is a provider's wire, ` +
          'and a tenant network is VXLAN; make another network',
      );
    const next = external
      ? { ...intent, externalNetworks: withEntry(intent.externalNetworks, network.name, changedExternal(network, values)) }
      : { ...intent, networks: withEntry(intent.networks, network.name, changedTenant(network, values)) };
    requireMtus(next.nodes, next.networks);
    const stored = external ? [...kept, 'admin_state_up'] : kept;
    return withRecord(next, record, wishOf(record, values, stored), at);
  },
  remove: (intent, record) => {
    const { network, external } = networkOfRecord(intent, record);
    refuseInUse(intent, record, network.name);
    if (!external) return { ...intent, networks: withoutEntry(intent.networks, network.name) };
    const floatingIps = new Map([...intent.floatingIps].filter(([, one]) => one.network !== network.name));
    return { ...intent, externalNetworks: withoutEntry(intent.externalNetworks, network.name), floatingIps };
  },
};

function changedTenant(network: Network, { mtu, admin_state_up: up }: Update<'networks'>): Network {
  const { mtuBytes: before, adminDown: _down, ...rest } = network;
  const mtuBytes = mtu === undefined ? before : mtuWish(mtu);
  return { ...rest, ...(mtuBytes === undefined ? {} : { mtuBytes }), ...adminState(up, network) };
}

/** What is switched off outside is only noted: the wire is the provider's. */
function changedExternal(network: ExternalNetworkIntent, { mtu }: Update<'networks'>): ExternalNetworkIntent {
  return { ...network, mtuBytes: (mtu === undefined ? undefined : mtuWish(mtu)) ?? network.mtuBytes };
}

export function showNetwork({ intent }: ControllerState, record: ResourceRecord): Shown<'networks'> {
  const found = networkOfRecord(intent, record);
  const { network, external } = found;
  return {
    ...commonOf(record),
    admin_state_up: external ? storedOf(record, 'admin_state_up', true) : found.network.adminDown !== true,
    shared: storedOf(record, 'shared', false),
    'router:external': external,
    is_default: storedOf(record, 'is_default', false),
    ...providerOf(network),
    mtu: external ? found.network.mtuBytes : networkMtu(intent, found.network),
    port_security_enabled: storedOf(record, 'port_security_enabled', true),
    availability_zone_hints: [],
    availability_zones: [ZONE],
    status: 'ACTIVE',
    subnets: network.subnets.map(({ cidr }) => idOf(intent, 'subnet', subnetKey(network.name, cidr))),
    ipv4_address_scope: null,
    ipv6_address_scope: null,
  };
}

function providerOf(network: Network | ExternalNetworkIntent) {
  const external = 'physicalNetwork' in network;
  const vlan = external ? (network.vlan ?? null) : null;
  return {
    'provider:network_type': external ? (vlan === null ? 'flat' : 'vlan') : 'vxlan',
    'provider:physical_network': external ? network.physicalNetwork : null,
    'provider:segmentation_id': external ? vlan : network.vni,
  };
}

interface Wire {
  readonly type?: 'vxlan' | 'vlan' | 'flat';
  readonly physicalNetwork?: string;
  readonly segmentationId?: number;
}

/** The three provider attributes, or the one segment that says the same. */
function wireOf(values: Create<'networks'>): Wire {
  const [segment] = values.segments ?? [];
  const from = segment ?? values;
  if (segment !== undefined && values['provider:network_type'] !== undefined)
    throw invalidInput('provider attributes and segments say the same; give one of them');
  const type = from['provider:network_type'];
  const physicalNetwork = from['provider:physical_network'];
  const segmentationId = from['provider:segmentation_id'];
  return {
    ...(type === undefined ? {} : { type }),
    ...(physicalNetwork === undefined || physicalNetwork === null ? {} : { physicalNetwork }),
    ...(segmentationId === undefined ? {} : { segmentationId }),
  };
}

function tenantNetwork(intent: Intent, name: Name, values: Create<'networks'>, wire: Wire): Network {
  if (wire.type !== undefined && wire.type !== 'vxlan')
    throw invalidInput(
      `provider:network_type ${wire.type} is for external networks; tenant networks are vxlan`,
    );
  if (wire.physicalNetwork !== undefined)
    throw invalidInput('provider:physical_network specified for vxlan network');
  const mtuBytes = mtuWish(values.mtu);
  return {
    name,
    vni: vniOf(intent, wire.segmentationId),
    ...(mtuBytes === undefined ? {} : { mtuBytes }),
    subnets: [],
    ...adminState(values.admin_state_up),
  };
}

function vniOf(intent: Intent, wish: number | undefined): Vni {
  const taken = new Set([...intent.networks.values()].map(({ vni }) => vni));
  if (wish === undefined) return allocateVni(taken);
  const vni = parseVni(wish);
  if (vni === undefined)
    throw invalid('provider:segmentation_id', `'${wish}' is no VNI; there are 1 to 16777215`);
  if (!taken.has(vni)) return vni;
  throw new NeutronFault('TunnelIdInUse', `Unable to create the network. The tunnel ID ${vni} is in use.`);
}

function externalNetwork(
  intent: Intent,
  name: Name,
  values: Create<'networks'>,
  wire: Wire,
): ExternalNetworkIntent {
  const { type, physicalNetwork: wanted, segmentationId } = wire;
  if (type === undefined || type === 'vxlan' || wanted === undefined)
    throw invalidInput(
      "an external network is a provider's wire: give provider:network_type flat or vlan, and provider:physical_network",
    );
  const physicalNetwork = parseName(wanted);
  if (
    physicalNetwork === undefined ||
    ![...intent.nodes.values()].some((node) => hasUplinkTo(node, physicalNetwork))
  )
    throw invalidInput(
      `physical_network '${wanted}' unknown for ${type} provider network: no node has an uplink to it`,
    );
  if (type === 'flat' && segmentationId !== undefined)
    throw invalidInput('provider:segmentation_id specified for flat network');
  if (type === 'vlan' && segmentationId === undefined)
    throw invalidInput('a vlan network needs its provider:segmentation_id');
  refuseTakenWire(intent, physicalNetwork, segmentationId);
  return {
    name,
    physicalNetwork,
    ...(segmentationId === undefined ? {} : { vlan: vlanOf(segmentationId) }),
    mtuBytes: mtuWish(values.mtu) ?? DEFAULT_MTU_BYTES,
    subnets: [],
  };
}

function vlanOf(id: number): number {
  if (id >= 1 && id <= MAX_PROVIDER_VLAN) return id;
  throw invalidInput(`segmentation_id out of range (1 through ${MAX_PROVIDER_VLAN})`);
}

function refuseTakenWire(intent: Intent, physicalNetwork: Name, vlan: number | undefined): void {
  const other = [...intent.externalNetworks.values()].find(
    (one) => one.physicalNetwork === physicalNetwork && one.vlan === vlan,
  );
  if (other === undefined) return;
  if (vlan === undefined)
    throw new NeutronFault(
      'FlatNetworkInUse',
      `Unable to create the flat network. Physical network ${physicalNetwork} is in use.`,
    );
  throw new NeutronFault(
    'VlanIdInUse',
    `Unable to create the network. The VLAN ${vlan} on physical network ${physicalNetwork} is in use.`,
  );
}

/** 0 leaves it to the underlay. */
function mtuWish(mtu: number): number | undefined {
  if (mtu === 0) return undefined;
  if (mtu < MIN_MTU_BYTES)
    throw invalid(
      'mtu',
      `'${mtu}' is too small - must be at least '${MIN_MTU_BYTES}', which every IPv4 host must take`,
    );
  return mtu;
}

/** What a resource is with this admin_state_up, or with the one it has. */
export function adminState(
  up: boolean | undefined,
  before?: { readonly adminDown?: true },
): { adminDown?: true } {
  return (up ?? before?.adminDown !== true) ? {} : { adminDown: true };
}

function refuseTooMany(intent: Intent, external: boolean): void {
  const count = intent.networks.size + intent.externalNetworks.size;
  if (count < MAX_NETWORKS && (!external || intent.externalNetworks.size < MAX_EXTERNAL_NETWORKS)) return;
  const limit = external ? MAX_EXTERNAL_NETWORKS : MAX_NETWORKS;
  throw new NeutronFault(
    'NoNetworkAvailable',
    `Unable to create the network. There are ${limit}, which is all there is room for.`,
  );
}

/** Its subnets and kept floating IPs go along; ports, routers' ways out and floating IPs of ports hold it. */
function refuseInUse(intent: Intent, record: ResourceRecord, name: Name): void {
  const holds =
    [...intent.ports.values()].some((port) => port.network === name) ||
    [...intent.routers.values()].some(
      ({ interfaces, gateway }) =>
        gateway?.network === name || interfaces.some(({ network }) => network === name),
    ) ||
    [...intent.floatingIps.values()].some((one) => one.network === name && one.port !== undefined);
  if (holds)
    throw new NeutronFault(
      'NetworkInUse',
      `Unable to complete operation on network ${record.id}. There are one or more ports still in use ` +
        'on the network.',
    );
}
