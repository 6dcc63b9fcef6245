/**
 * The nft tables of our namespaces, as text. A packet is translated only where both directions of its flow
 * pass; whatever else a router's namespace routes stays untracked, because it sees one direction of it.
 * Every table ends in a guard: what leaves for the world has an address of the world, or is dropped.
 */
import type { PortForwardingView } from '../model/node-view.js';
import type { NftTable, Translation } from './namespace.js';

export const kFipTable = 'ip dvr_fip';
export const kSnatTable = 'ip dvr_snat';
export const ownNftTables: readonly string[] = [kFipTable, kSnatTable];

/** The maps from outside to inside: whole addresses, and single ports. */
export const kFixedOf = 'fixed_of';
export const kForwarded = 'forwarded';

/** Behind source NAT (100), so that it sees what really leaves. */
const kLastPriority = 110;

const quoted = (device: string): string => `"${device}"`;
const set = (items: readonly string[]): string => `{ ${items.join(', ')} }`;
const map = (name: string, pairs: readonly (readonly [string, string])[], type = 'ipv4_addr : ipv4_addr'): string => {
  const elements = pairs.map(([key, value]) => `${key} : ${value}`);
  return `  map ${name} { type ${type}; elements = ${set(elements)}; }`;
};
const chain = (name: string, hook: string, lines: readonly string[]): string =>
  [`  chain ${name} {`, `    type ${hook};`, ...lines.map((line) => `    ${line}`), '  }'].join('\n');

/** A fixed address with several floating ones speaks as the first. */
function maps(translations: readonly Translation[]): string[] {
  if (translations.length === 0) return [];
  const fipOf = new Map(translations.toReversed().map(({ ip, fixedIp }) => [fixedIp, ip]));
  return [map(kFixedOf, translations.map(({ ip, fixedIp }) => [ip, fixedIp])), map('fip_of', [...fipOf])];
}

/** One port of an outside address each. The first packet of a flow is looked up; the rest follow it. */
function forwardedMap(forwardings: readonly PortForwardingView[]): string[] {
  if (forwardings.length === 0) return [];
  const pairs = forwardings.map(({ protocol, externalIp, externalPort, fixedIp, internalPort }) =>
    [`${externalIp} . ${protocol} . ${externalPort}`, `${fixedIp} . ${internalPort}`] as const);
  return [map(kForwarded, pairs, 'ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service')];
}

/**
 * A router's namespace: floating IPs, one address for one, ports as they are. Routing decides what is theirs:
 * a packet from a fixed address is tracked only if it will leave by rfp.
 */
export function routerTable(rfp: string, translations: readonly Translation[]): NftTable {
  const device = quoted(rfp);
  const fixed = set([...new Set(translations.map(({ fixedIp }) => fixedIp))]);
  const body = [
    ...maps(translations),
    chain('track', 'filter hook prerouting priority raw', [
      `iifname ${device} accept`, `ip saddr ${fixed} fib daddr oifname ${device} accept`, 'notrack',
    ]),
    chain('track_own', 'filter hook output priority raw', [`oifname != ${device} notrack`]),
    chain('in', 'nat hook prerouting priority dstnat', [`iifname ${device} dnat to ip daddr map @${kFixedOf}`]),
    chain('valid', 'filter hook forward priority filter', [`oifname ${device} ct state invalid drop`]),
    chain('out', 'nat hook postrouting priority srcnat', [`oifname ${device} snat to ip saddr map @fip_of`]),
    guard(device, translations.map(({ ip }) => ip)),
  ].join('\n');
  return { name: kFipTable, body, translations };
}

/** The FIP namespace tracks nothing, and keeps the links to its routers to itself. */
export function fipTable(fg: string, outside: readonly string[]): NftTable {
  const body = [
    chain('track', 'filter hook prerouting priority raw', [
      `iifname ${quoted(fg)} ip daddr 169.254.0.0/16 drop`, 'notrack',
    ]),
    chain('track_own', 'filter hook output priority raw', ['notrack']),
    guard(quoted(fg), outside),
  ].join('\n');
  return { name: kFipTable, body, translations: [] };
}

export interface SnatWish {
  readonly qg: string;
  /** The gateway's address; nothing where private addresses go out as they are. */
  readonly snatTo?: string;
  /** All IPv4 addresses of qg, those that are forwarded from among them. */
  readonly outside: readonly string[];
  readonly tenants: readonly string[];
  readonly translations: readonly Translation[];
  readonly forwardings: readonly PortForwardingView[];
}

/**
 * The SNAT namespace: source NAT to the gateway address, ports that are forwarded, floating IPs that have no
 * better place, and the turn of what one tenant sends to another that way, so that the answer comes back here.
 */
export function snatTable({ qg, snatTo, outside, tenants, translations, forwardings }: SnatWish): NftTable | undefined {
  if (snatTo === undefined && translations.length === 0) return undefined;
  const device = quoted(qg);
  const fips = translations.map(({ ip }) => ip);
  const [hasFips, hasForwardings] = [translations.length > 0, forwardings.length > 0];
  const hidden = snatTo !== undefined && tenants.length > 0;
  const turned = `oifname != ${device} ct status dnat ip saddr ${set(tenants)}`;
  const inward = [
    ...(hasForwardings ? [`dnat to ip daddr . meta l4proto . th dport map @${kForwarded}`] : []),
    ...(hasFips ? [`dnat to ip daddr map @${kFixedOf}`] : []),
  ];
  const body = [
    ...maps(translations), ...forwardedMap(forwardings),
    ...(inward.length > 0 ? [chain('in', 'nat hook prerouting priority dstnat', inward)] : []),
    chain('valid', 'filter hook forward priority filter', [
      `oifname ${device} ct state invalid drop`,
      ...(hidden ? [`iifname ${device} ct state new ct status & dnat == 0 drop`] : []),
    ]),
    chain('out', 'nat hook postrouting priority srcnat', [
      ...(hasFips ? [`oifname ${device} snat to ip saddr map @fip_of`] : []),
      ...(hidden ? [`oifname ${device} ip saddr ${set(tenants)} snat to ${snatTo}`] : []),
      ...(hasFips && tenants.length > 0 ? [`${turned} snat to ip saddr map @fip_of`] : []),
      ...(inward.length > 0 && hidden ? [`${turned} snat to ${snatTo}`] : []),
    ]),
    ...(hidden ? [guard(device, [...outside, ...fips])] : []),
  ].join('\n');
  return { name: kSnatTable, body, translations: [...translations, ...forwardings.map(translationOf)] };
}

const translationOf = ({ protocol, externalIp, externalPort, fixedIp, internalPort }: PortForwardingView): Translation =>
  ({ ip: externalIp, fixedIp, forwarded: { protocol, externalPort, internalPort } });

/** Without an address of the world there is nothing that might leave. */
function guard(device: string, outside: readonly string[]): string {
  const others = outside.length === 0 ? '' : `ip saddr != ${set([...new Set(outside)])} `;
  return chain('last', `filter hook postrouting priority ${String(kLastPriority)}`, [`oifname ${device} ${others}counter drop`]);
}
