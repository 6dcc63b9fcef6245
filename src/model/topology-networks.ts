/** The section `networks`: VNIs, subnets and wishes for an MTU. */
import {
  contains,
  familyOf,
  isHostAddress,
  networkAddress,
  nthHost,
  overlaps,
  prefixBitsOf,
  withoutPrefix,
  type Cidr,
  type IpAddress,
} from './addresses.js';
import { MAX_VNI, MIN_VNI, parseVni, type Name, type Vni } from './identifiers.js';
import {
  MAX_MTU_BYTES,
  MAX_NETWORKS,
  MAX_SUBNETS_PER_NETWORK,
  MIN_IPV6_MTU_BYTES,
  MIN_MTU_BYTES,
} from './limits.js';
import { mtuCeiling, tooLargeMtu, type MtuCeiling } from './mtu.js';
import type { NetworkIntent, NodeIntent, RouterIntent } from './resources.js';
import { readIpv6Mode, type Advertised } from './topology-ipv6.js';
import { claim, readCidr } from './topology-values.js';
import type { Value, YamlReader } from './yaml-reader.js';

/** A network before its gateways are known: those come from the routers, which are read after it. */
export interface NetworkDraft {
  readonly name: Name;
  readonly vni?: Vni;
  readonly mtuBytes?: number;
  readonly cidrs: readonly Cidr[];
  /** Those of them that routers advertise. */
  readonly advertised: ReadonlyMap<Cidr, Advertised>;
}

/** Shorter ones are typing mistakes; longer ones have no room for a gateway and a port. */
export const PREFIX_BITS = { 4: { min: 8, max: 30 }, 6: { min: 16, max: 126 } } as const;

/** `names` are all that were declared, faulty ones too, so that one fault is not told twice. */
export function readNetworks(
  reader: YamlReader,
  value: Value | undefined,
  nodes: readonly NodeIntent[],
): { networks: readonly NetworkDraft[]; names: ReadonlySet<Name> } {
  const ceiling = mtuCeiling(nodes);
  const vnis = new Map<string, string>();
  const entries = reader.named(value, MAX_NETWORKS);
  const networks: NetworkDraft[] = [];
  for (const [name, entry] of entries) {
    const fields = reader.fields(entry, ['vni', 'mtu', 'subnets'], ['subnets']);
    if (fields === undefined) continue;
    const vni = readVni(reader, fields.values.vni, vnis);
    const { cidrs, advertised } = readSubnets(reader, fields.values.subnets);
    const mtuBytes = readMtu(reader, fields.values.mtu, ceiling);
    requireIpv6Mtu(
      reader,
      fields.values.mtu?.path ?? entry.path,
      cidrs,
      mtuBytes ?? ceiling?.mtuBytes,
    );
    networks.push({
      name,
      cidrs,
      advertised,
      ...(vni === undefined ? {} : { vni }),
      ...(mtuBytes === undefined ? {} : { mtuBytes }),
    });
  }
  return { networks, names: new Set(entries.map(([name]) => name)) };
}

/** Gives each subnet its gateway: a router's address there, the first address of the subnet by preference. */
export function withGateways(
  drafts: readonly NetworkDraft[],
  routers: readonly RouterIntent[],
): readonly NetworkIntent[] {
  return drafts.map(({ cidrs, advertised, ...network }) => {
    const routerIps = routers
      .flatMap((router) => router.interfaces)
      .filter((routerInterface) => routerInterface.network === network.name)
      .flatMap((routerInterface) => routerInterface.addresses.map(withoutPrefix));
    return {
      ...network,
      subnets: cidrs.map((cidr) => {
        const ipv6 = advertised.get(cidr)?.mode;
        return { cidr, gatewayIp: gatewayOf(cidr, routerIps), ...(ipv6 === undefined ? {} : { ipv6 }) };
      }),
    };
  });
}

/** The first address of a subnet, where its gateway is unless a router says otherwise. */
export function firstAddress(cidr: Cidr): IpAddress {
  return nthHost(cidr, 1n) ?? networkAddress(cidr);
}

function gatewayOf(cidr: Cidr, routerIps: readonly IpAddress[]): IpAddress {
  const first = firstAddress(cidr);
  const here = routerIps.filter((ip) => contains(cidr, ip));
  return here.includes(first) ? first : (here[0] ?? first);
}

function readVni(
  reader: YamlReader,
  value: Value | undefined,
  taken: Map<string, string>,
): Vni | undefined {
  const number = value === undefined ? undefined : reader.integer(value, MIN_VNI, MAX_VNI);
  if (value === undefined || number === undefined) return undefined;
  return claim(reader, taken, String(number), value.path, `VNI ${number}`)
    ? parseVni(number)
    : undefined;
}

type DraftSubnets = Pick<NetworkDraft, 'cidrs' | 'advertised'>;

/** A subnet is a prefix, or a prefix with more to say: { cidr: fd00::/64, ipv6: slaac }. */
function readSubnets(reader: YamlReader, value: Value | undefined): DraftSubnets {
  const cidrs: Cidr[] = [];
  const advertised = new Map<Cidr, Advertised>();
  for (const item of reader.list(value, MAX_SUBNETS_PER_NETWORK)) {
    const values = reader.isMapping(item)
      ? reader.fields(item, ['cidr', 'ipv6'], ['cidr'])?.values
      : { cidr: item, ipv6: undefined };
    const cidr = values?.cidr === undefined ? undefined : readCidr(reader, values.cidr);
    if (cidr === undefined || !isUsable(reader, item.path, cidr)) continue;
    const mode = values?.ipv6 === undefined ? undefined : readIpv6Mode(reader, values.ipv6, cidr);
    const other = cidrs.find((earlier) => overlaps(earlier, cidr));
    if (other !== undefined) {
      reader.fault(item.path, `${cidr} overlaps ${other} of the same network`);
      continue;
    }
    cidrs.push(cidr);
    if (mode !== undefined) advertised.set(cidr, mode);
  }
  return { cidrs, advertised };
}

/** Whether hosts can live in the prefix; a fault where not. */
export function isUsable(reader: YamlReader, path: string, cidr: Cidr): boolean {
  const { min, max } = PREFIX_BITS[familyOf(cidr)];
  const bits = prefixBitsOf(cidr);
  if (bits < min || bits > max)
    reader.fault(path, `a subnet of /${bits} is not taken; between /${min} and /${max} is`);
  else if (!isHostAddress(networkAddress(cidr)))
    reader.fault(path, `${cidr} has no addresses a host may use`);
  else return true;
  return false;
}

function readMtu(
  reader: YamlReader,
  value: Value | undefined,
  ceiling: MtuCeiling | undefined,
): number | undefined {
  const wish =
    value === undefined ? undefined : reader.integer(value, MIN_MTU_BYTES, MAX_MTU_BYTES);
  if (value === undefined || wish === undefined) return undefined;
  if (ceiling === undefined || wish <= ceiling.mtuBytes) return wish;
  return reader.fault(value.path, tooLargeMtu(wish, ceiling));
}

/** Notes a fault where IPv6 cannot live with the MTU. */
export function requireIpv6Mtu(
  reader: YamlReader,
  path: string,
  cidrs: readonly Cidr[],
  mtuBytes: number | undefined,
): void {
  const ipv6 = cidrs.find((cidr) => familyOf(cidr) === 6);
  if (ipv6 === undefined || mtuBytes === undefined || mtuBytes >= MIN_IPV6_MTU_BYTES) return;
  reader.fault(
    path,
    `an MTU of ${mtuBytes} is too small for the IPv6 subnet ${ipv6}, which ` +
      `needs ${MIN_IPV6_MTU_BYTES} (RFC 8200)`,
  );
}
