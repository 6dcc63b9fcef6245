/**
 * What lies outside the cloud, as the lab plays it: the wires of provider networks, the nodes' devices onto
 * them, a host and the provider's router. Pure; provider.sh and outside.sh make it.
 */
import { createHash } from 'node:crypto';
import { type Cidr, nthHost, prefixBitsOf } from '../model/addresses.js';

/** The part of a topology that tells of the outside. */
export interface OutsideTopology {
  readonly nodes: readonly { readonly name: string; readonly providers?: readonly Uplink[] }[];
  readonly externalNetworks?: readonly ExternalNetwork[];
  /** What lives out there before anybody makes an external network of it. */
  readonly outside?: readonly ExternalNetwork[];
}

interface Uplink {
  readonly physicalNetwork: string;
  readonly device: string;
}

interface ExternalNetwork {
  readonly name: string;
  readonly physicalNetwork: string;
  readonly vlan?: number;
  readonly mtuBytes: number;
  readonly subnets: readonly { readonly cidr: Cidr; readonly gatewayIp?: string }[];
}

/** A device of a namespace, and the fabric's port that leads from it onto a wire. */
export interface WirePort {
  readonly port: string;
  readonly wire: string;
  readonly namespace: string;
  readonly device: string;
  readonly mac: string;
  readonly mtuBytes: number;
  /** Never speaks by itself: an uplink belongs to its bridge. */
  readonly bare: boolean;
}

/** The addresses of the host and of the provider's router in one subnet, with the prefix's length. */
export interface OutsideSubnet {
  readonly device: string;
  readonly vlan?: number;
  readonly host?: string;
  readonly gateway: string;
}

export interface OutsidePlan {
  readonly ports: readonly WirePort[];
  readonly subnets: readonly OutsideSubnet[];
  readonly ipv6: boolean;
}

export const hostNamespace = 'dvr-ext';
export const upstreamNamespace = 'dvr-upstream';
/** Beyond the provider's router, as outside.sh has it. */
export const farHost = '198.51.100.9/24';
/** Every node's device on the underlay: a provider network that uses it shares that wire. */
export const underlayDevice = 'eth0';
export const underlayWire = 'underlay';
/** The outside host's number in each subnet: 203.0.113.10. */
const kHostNumber = 10n;
/** A wire is as wide as its widest network, and never narrower than Ethernet. */
const kWireMtuBytes = 1500;
/** Longest device name: IFNAMSIZ less the closing NUL. */
const kMaxDeviceName = 15;

/** Undefined where the topology has nothing outside: such a lab has none. */
export function planOutside(topology: OutsideTopology, prefix: string): OutsidePlan | undefined {
  const networks = [...(topology.externalNetworks ?? []), ...(topology.outside ?? [])];
  if (networks.length === 0) return undefined;
  const mtuBytes = Math.max(kWireMtuBytes, ...networks.map((network) => network.mtuBytes));
  const uplinks = topology.nodes.flatMap(({ name, providers = [] }) =>
    providers.map((uplink) => ({ ...uplink, namespace: prefix + name })));
  const taken = [underlayWire, ...topology.nodes.map(({ name }) => name)];
  const wireOf = (physicalNetwork: string): string =>
    (uplinks.some((one) => one.physicalNetwork === physicalNetwork && one.device === underlayDevice)
      ? underlayWire : deviceName('wire', physicalNetwork, taken));
  const port = (namespace: string, device: string, physicalNetwork: string, bare: boolean): WirePort => ({
    // No node's name has a dot, so no node's port on the underlay is called so.
    port: deviceName('port', `${device}.${namespace.slice(prefix.length)}`, []), wire: wireOf(physicalNetwork), namespace, device,
    mac: labMac(`${namespace} ${device}`), mtuBytes, bare,
  });
  const nodes = uplinks.filter(({ device }) => device !== underlayDevice)
    .map(({ namespace, device, physicalNetwork }) => port(namespace, device, physicalNetwork, true));
  const outside = networks.flatMap(({ physicalNetwork }, index) =>
    [hostNamespace, upstreamNamespace].map((namespace) => port(namespace, outsideDevice(index), physicalNetwork, false)));
  const subnets = networks.flatMap((network, index) => subnetsOf(network, outsideDevice(index)));
  return { ports: [...nodes, ...outside], subnets, ipv6: subnets.some(({ gateway }) => gateway.includes(':')) };
}

const outsideDevice = (index: number): string => `eth${index}`;

function subnetsOf({ subnets, vlan }: ExternalNetwork, device: string): OutsideSubnet[] {
  return subnets.flatMap(({ cidr, gatewayIp }) => {
    // Nobody upstream has an address there: there is nothing to build.
    if (gatewayIp === undefined) return [];
    const host = nthHost(cidr, kHostNumber);
    const length = prefixBitsOf(cidr);
    return [{
      device, gateway: `${gatewayIp}/${length}`,
      ...(vlan === undefined ? {} : { vlan }),
      // A subnet that small has its router only.
      ...(host === undefined || host === gatewayIp ? {} : { host: `${host}/${length}` }),
    }];
  });
}

/** The name itself where a device may have it and no other does, else one made from it. */
export function deviceName(kind: string, name: string, taken: readonly string[]): string {
  return name.length <= kMaxDeviceName && name !== 'lo' && !taken.includes(name) ? name : hashed(kind, name);
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

function hashed(kind: string, name: string): string {
  return `${kind}-${digest(name).slice(0, kMaxDeviceName - kind.length - 1)}`;
}

/** Locally administered, unicast, and the same whenever it is made anew. */
export function labMac(text: string): string {
  const digits = digest(text);
  return ['02', ...[0, 2, 4, 6, 8].map((at) => digits.slice(at, at + 2))].join(':');
}
