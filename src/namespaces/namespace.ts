/**
 * What one of our network namespaces holds, as pure data: a router's (router-namespace.ts), its SNAT namespace
 * (snat-namespace.ts), an external network's FIP namespace (fip-namespace.ts). scripts.ts builds any of them
 * alike; l3-agent.ts asks what differs, by the commands that this file makes of two descriptions.
 */
export interface Namespace {
  readonly name: string;
  /** Paths below /proc/sys with their values, set before any device comes in. */
  readonly sysctls: readonly string[];
  readonly devices: readonly NamespaceDevice[];
  readonly neighbours: readonly Neighbour[];
  readonly routes: readonly Route[];
  readonly rules: readonly Rule[];
  readonly nft?: NftTable;
  /** Addresses that the world is told of by gratuitous ARP when they come here. */
  readonly announced: readonly Announcement[];
}

export interface NamespaceDevice {
  readonly name: string;
  readonly from: DeviceSource;
  readonly mac: string;
  readonly mtuBytes: number;
  readonly addresses: readonly string[];
  /** Off where it has no IPv6 address: then the device joins no groups and asks nobody. */
  readonly ipv6: boolean;
  /** Whether its addresses make a route to their subnet. */
  readonly onlink: boolean;
  /** Set once the device is in. */
  readonly sysctls: readonly string[];
}

/** A TAP of the dataplane by its name there, or one end of a veth pair, whose other end is another namespace's. */
export type DeviceSource = { readonly tap: string } | { readonly vethPeer: string; readonly peerNamespace: string };

/** A permanent one. */
export interface Neighbour { readonly device: string; readonly ip: string; readonly mac: string }

export interface Route {
  /** With its prefix length, also for a host and for the default route. */
  readonly destination: string;
  readonly via?: string;
  /** Not given: the kernel finds the device that the next hop is at. */
  readonly device?: string;
  /** Not given: main. */
  readonly table?: number;
  /**
   * `unreachable`: behind all other routes to the prefix; what is for it is refused then, and no less specific route
   * or rule gets it. `throw`: not by this table; the next rule says.
   */
  readonly type?: 'unreachable' | 'throw';
}

/** What looks into a table that not everybody looks into. */
export interface Rule {
  readonly priority: number;
  readonly table: number;
  readonly from?: string;
  readonly iif?: string;
}

export interface NftTable {
  /** As nft says it: "ip dvr_snat". */
  readonly name: string;
  /** What stands between the table's braces. */
  readonly body: string;
  /** What it makes of addresses: connections are cut when one goes. */
  readonly translations: readonly Translation[];
}

/** A floating IP's; or, where it is forwarded by port, of one port of an address. */
export interface Translation {
  readonly ip: string;
  readonly fixedIp: string;
  readonly forwarded?: { readonly protocol: string; readonly externalPort: number; readonly internalPort: number };
}

export interface Announcement { readonly device: string; readonly mac: string; readonly ip: string }

/**
 * What all of our namespaces are set to before any device comes in (a device copies `default` at that
 * moment). The kernel ORs `all` and the device for send_redirects, so both must be off.
 */
export const namespaceSysctls: readonly string[] = [
  'net/ipv4/ip_forward=1',
  'net/ipv4/conf/default/send_redirects=0',
  'net/ipv4/conf/all/send_redirects=0',
  // An address is answered for by its own device, and asked for with an address of that device.
  'net/ipv4/conf/all/arp_ignore=1',
  'net/ipv4/conf/all/arp_announce=2',
  // Traffic is routed on the sender's node, so a copy sees one direction of it only.
  'net/ipv4/conf/default/rp_filter=0',
  'net/ipv4/conf/all/rp_filter=0',
  'net/ipv4/conf/all/promote_secondaries=1',
  'net/ipv6/conf/default/addr_gen_mode=0',
  'net/ipv6/conf/default/accept_ra=0',
  'net/ipv6/conf/all/accept_ra=0',
  // The same address lives on every node on purpose: it is no duplicate.
  'net/ipv6/conf/default/accept_dad=0',
  'net/ipv6/conf/all/accept_dad=0',
  'net/ipv6/conf/default/dad_transmits=0',
  'net/ipv6/conf/default/router_solicitations=0',
  'net/ipv6/conf/default/forwarding=1',
  'net/ipv6/conf/all/forwarding=1',
  // What is not permanent (a host's link-local address) is trusted longer than 30 s: fewer probes.
  'net/ipv4/neigh/default/base_reachable_time_ms=300000',
  'net/ipv6/neigh/default/base_reachable_time_ms=300000',
];

/** The protocol number that marks routes and rules as ours, so that a user's own stay untouched. */
export const kRouteProtocol = 200;

/**
 * The `ip -batch` lines that turn the permanent neighbours `before` into `after`. Adds and changes come
 * first; a delete is only for an address nobody has any more, because the kernel's delete ignores the MAC
 * and would take a new owner's entry with it.
 */
export function neighbourCommands(before: readonly Neighbour[], after: readonly Neighbour[]): string[] {
  const keyOf = ({ device, ip }: Neighbour): string => `${device} ${ip}`;
  const old = new Map(before.map((neighbour) => [keyOf(neighbour), neighbour]));
  const wanted = new Set(after.map(keyOf));
  const changed = after.filter((neighbour) => old.get(keyOf(neighbour))?.mac !== neighbour.mac);
  const gone = before.filter((neighbour) => !wanted.has(keyOf(neighbour)));
  return [
    ...changed.map(({ device, ip, mac }) => `neigh replace ${ip} lladdr ${mac} dev ${device} nud permanent`),
    ...gone.map(({ device, ip, mac }) => `neigh del ${ip} lladdr ${mac} dev ${device}`),
  ];
}

/** Behind every route that people or the kernel make. */
const kLastMetric = 4_000_000_000;

/** What a router that has lost a subnet's device says of it, rather than to send what is for it somewhere else. */
export const unreachable = (destination: string): Route => ({ destination, type: 'unreachable' });

/** The `ip -batch` lines that turn our routes `before` into `after`. */
export function routeCommands(before: readonly Route[], after: readonly Route[]): string[] {
  // Those of one metric take each other's place.
  const keyOf = ({ destination, table, type }: Route): string =>
    `${destination} ${String(table)} ${String(type === 'unreachable')}`;
  const old = new Map(before.map((route) => [keyOf(route), route]));
  const wanted = new Set(after.map(keyOf));
  const isThere = (route: Route): boolean => {
    const found = old.get(keyOf(route));
    return found !== undefined && found.via === route.via && found.type === route.type
      && (route.device === undefined || found.device === route.device);
  };
  return [
    ...after.filter((route) => !isThere(route)).map((route) => routeLine('replace', route)),
    ...before.filter((route) => !wanted.has(keyOf(route))).map((route) => routeLine('del', route)),
  ];
}

function routeLine(verb: string, { destination, via, device, table, type }: Route): string {
  return [
    'route', verb, ...(type === undefined ? [] : [type]), destination,
    ...(type === 'unreachable' ? ['metric', String(kLastMetric)] : []),
    ...(via === undefined ? [] : ['via', via]), ...(device === undefined ? [] : ['dev', device]),
    // A device that is named has the next hop, whatever its addresses say.
    ...(via === undefined || device === undefined ? [] : ['onlink']),
    ...(table === undefined ? [] : ['table', String(table)]), 'proto', String(kRouteProtocol),
  ].join(' ');
}

/** The `ip -batch` lines that turn our rules `before` into `after`; those of IPv6 say so by "-6". */
export function ruleCommands(before: readonly Rule[], after: readonly Rule[]): string[] {
  const [old, wanted] = [new Set(before.map(ruleText)), new Set(after.map(ruleText))];
  return [
    ...after.filter((rule) => !old.has(ruleText(rule))).map((rule) => ruleLine('add', rule)),
    ...before.filter((rule) => !wanted.has(ruleText(rule))).map((rule) => ruleLine('del', rule)),
  ];
}

const ruleText = ({ priority, table, from, iif }: Rule): string =>
  `${from === undefined ? '' : `from ${from} `}${iif === undefined ? '' : `iif ${iif} `}`
  + `lookup ${String(table)} priority ${String(priority)}`;

const ruleLine = (verb: string, rule: Rule): string =>
  `${rule.from?.includes(':') === true ? '-6 ' : ''}rule ${verb} ${ruleText(rule)} protocol ${String(kRouteProtocol)}`;

/** Tells translations apart. */
export const translationText = ({ ip, fixedIp, forwarded: { protocol, externalPort, internalPort } = kWhole }: Translation): string =>
  `${ip} ${protocol} ${String(externalPort)} to ${fixedIp} ${String(internalPort)}`;
const kWhole = { protocol: 'all', externalPort: 0, internalPort: 0 };

/** Text for `nft -f` that makes the table what it is to be, in one transaction: no packet meets half of it. */
export const nftText = ({ name, body }: NftTable): string => `${noNftText(name)}table ${name} {\n${body}\n}\n`;

/** Text for `nft -f` that takes the table away, if it is there. */
export const noNftText = (name: string): string => `table ${name}\ndelete table ${name}\n`;
