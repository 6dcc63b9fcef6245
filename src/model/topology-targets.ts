/** The port that an outside address stands for, wholly or by one of its ports: the keys `port` and `fixed_ip`. */
import { familyOf, type IpAddress } from './addresses.js';
import type { Name } from './identifiers.js';
import type { Reach } from './reach.js';
import type { NetworkIntent, PortIntent, RouterIntent } from './resources.js';
import { readKnownName } from './topology-values.js';
import type { Value, YamlReader } from './yaml-reader.js';

export interface TargetContext {
  readonly networks: ReadonlyMap<Name, NetworkIntent>;
  readonly reach: Reach<RouterIntent>;
  readonly ports: ReadonlyMap<Name, PortIntent>;
  /** All ports that were declared, faulty ones too, so that one fault is not told twice. */
  readonly portNames: ReadonlySet<Name>;
}

export interface Target {
  readonly port: PortIntent;
  /** The wish, or the port's first IPv4 address; unknown where that is still to be allocated. */
  readonly fixedIp: IpAddress | undefined;
  /** The router that it is reached by from the external network; a fault tells where it is none of any. */
  readonly router: RouterIntent | undefined;
}

export function readTargetPort(
  reader: YamlReader,
  value: Value,
  { ports, portNames }: TargetContext,
): PortIntent | undefined {
  const name = readKnownName(reader, value, 'port', portNames);
  return name === undefined ? undefined : ports.get(name);
}

/** Where the port's address is, and who takes packets there; undefined where it has none that could be meant. */
export function targetOf(
  reader: YamlReader,
  external: Name,
  port: PortIntent,
  portPath: string,
  wish: { readonly value: Value; readonly fixedIp: IpAddress | undefined } | undefined,
  { networks, reach }: TargetContext,
): Target | undefined {
  if (wish !== undefined && !isFixedIpOf(reader, wish.value.path, wish.fixedIp, port)) return undefined;
  const subnets = networks.get(port.network)?.subnets ?? [];
  const fixedIp = wish?.fixedIp ?? port.ips.find((ip) => familyOf(ip) === 4);
  if (fixedIp === undefined && !subnets.some(({ cidr }) => familyOf(cidr) === 4))
    return reader.fault(portPath, `port ${port.name} has no IPv4 address`);
  return { port, fixedIp, router: reach(external, { network: port.network, subnets, fixedIp }) };
}

function isFixedIpOf(
  reader: YamlReader,
  path: string,
  fixedIp: IpAddress | undefined,
  port: PortIntent,
): boolean {
  if (fixedIp === undefined) return false;
  if (port.ips.includes(fixedIp) && familyOf(fixedIp) === 4) return true;
  const has = port.ips.length === 0 ? 'declares no address' : `has ${port.ips.join(' and ')}`;
  reader.fault(
    path,
    familyOf(fixedIp) === 6
      ? `${fixedIp} is an IPv6 address, which is routed without NAT`
      : `${fixedIp} is not port ${port.name}'s, which ${has}`,
  );
  return false;
}
