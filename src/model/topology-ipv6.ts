/** What a topology says of IPv6 subnets: which are advertised, which needs routers that do. */
import { contains, familyOf, prefixBitsOf, withoutPrefix, type Cidr } from './addresses.js';
import type { RouterIntent } from './resources.js';
import { SLAAC_PREFIX_BITS, ipv6Modes, isIpv6Mode, type AdvertisedMode } from './slaac.js';
import type { Value, YamlReader } from './yaml-reader.js';

/** An advertised subnet, and where it stands in the file. */
export interface Advertised {
  readonly mode: AdvertisedMode;
  readonly path: string;
}

/** Nothing for a subnet that is not advertised, and for a fault. */
export function readIpv6Mode(reader: YamlReader, value: Value, cidr: Cidr): Advertised | undefined {
  const mode = reader.text(value);
  if (mode === undefined) return undefined;
  const { path } = value;
  if (!isIpv6Mode(mode))
    return reader.fault(path, `${JSON.stringify(mode)} is none of ${ipv6Modes.join(', ')}`);
  if (familyOf(cidr) === 4)
    return reader.fault(path, `${cidr} is IPv4 and has no IPv6 mode; leave "ipv6" out`);
  if (mode === 'slaac' && prefixBitsOf(cidr) !== SLAAC_PREFIX_BITS)
    return reader.fault(
      path,
      `${cidr} is no /${SLAAC_PREFIX_BITS}, which hosts need to make an address of their MAC`,
    );
  return mode === 'static' ? undefined : { mode, path };
}

/** Without a router nobody advertises, and hosts of a slaac subnet would never have an address. */
export function requireAdvertisers(
  reader: YamlReader,
  networks: readonly { readonly name: string; readonly advertised: ReadonlyMap<Cidr, Advertised> }[],
  routers: readonly RouterIntent[],
): void {
  if (reader.isFaulty('routers')) return;
  for (const { name, advertised } of networks) {
    const ips = routers
      .flatMap(({ interfaces }) => interfaces)
      .filter(({ network }) => network === name)
      .flatMap(({ addresses }) => addresses.map(withoutPrefix));
    for (const [cidr, { mode, path }] of advertised) {
      if (mode === 'slaac' && !ips.some((ip) => contains(cidr, ip)))
        reader.fault(path, `${cidr} is slaac, but no router has an interface in it to advertise it`);
    }
  }
}
