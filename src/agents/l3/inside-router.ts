/**
 * Reasons why a router's packets must pass through its namespace: somebody captures there, or something is
 * there that may touch packets and is not ours. Pure; router-watch.ts reads what it is decided from.
 */
import type { NamespaceFacts, PacketSocket } from '../../dataplane/native.js';
import { kRouteProtocol } from '../../namespaces/namespace.js';
import { ownNftTables } from '../../namespaces/nft.js';

/** A process that holds a packet socket. */
export interface Holder { readonly pid: number; readonly name: string }

/** The holder of a socket, by its inode; unknown where it is in no process that was looked through. */
export type HolderOf = (inode: number) => Holder | undefined;

/** Daemons that speak by packet sockets and show nobody what they hear. */
const kNotCapturing: ReadonlySet<string> = new Set(['keepalived', 'dhclient', 'lldpd']);

/** Sockets of captures: not those of this process, nor of daemons that have other business. */
export function captures(
  sockets: readonly PacketSocket[], holderOf: HolderOf, ownPid: number,
): readonly PacketSocket[] {
  return sockets.filter(({ inode }) => {
    const holder = holderOf(inode);
    return holder === undefined || (holder.pid !== ownPid && !kNotCapturing.has(holder.name));
  });
}

/** The weightiest reason first: what a person does right now, then what was set up. */
export function reasonsInside(
  sockets: readonly PacketSocket[], facts: NamespaceFacts, holderOf: HolderOf, ownPid: number,
): readonly string[] {
  const names = new Map(facts.links.map(({ ifindex, name }) => [ifindex, name]));
  const nameOf = (ifindex: number): string => names.get(ifindex) ?? `device ${String(ifindex)}`;
  return [
    ...captures(sockets, holderOf, ownPid).map((socket) => captureReason(socket, nameOf, holderOf)),
    ...promiscuousReasons(sockets, facts),
    ...foreignReasons(facts, nameOf),
  ];
}

type NameOf = (ifindex: number) => string;

function captureReason({ ifindex, inode }: PacketSocket, nameOf: NameOf, holderOf: HolderOf): string {
  const device = ifindex === 0 ? 'every device' : nameOf(ifindex);
  const holder = holderOf(inode);
  return holder === undefined
    ? `a packet socket listens on ${device}`
    : `${holder.name} (pid ${String(holder.pid)}) captures on ${device}`;
}

/** A capture makes its device promiscuous before it receives: seen first, it is a reason by itself. */
function promiscuousReasons(sockets: readonly PacketSocket[], { links }: NamespaceFacts): string[] {
  const explained = new Set(sockets.map(({ ifindex }) => ifindex));
  return links.filter(({ promiscuous, ifindex }) => promiscuous && !explained.has(ifindex))
    .map(({ name }) => `${name} is promiscuous`);
}

function foreignReasons(facts: NamespaceFacts, nameOf: NameOf): string[] {
  return [
    ...facts.nftTables.map(({ family, name }) => `${nftFamily(family)} ${name}`)
      .filter((table) => !ownNftTables.includes(table)).map((table) => `nft table ${table}`),
    ...facts.xtables.map((table) => `iptables table ${table}`),
    ...facts.qdiscs.filter(({ handle }) => handle !== 0)
      .map(({ ifindex, kind }) => `tc qdisc ${kind} on ${nameOf(ifindex)}`),
    ...facts.rules.filter(({ protocol }) => protocol !== kKernelProtocol && protocol !== kRouteProtocol)
      .map((rule) => `${ruleName(rule)}`),
    ...facts.routes.map(({ destination }) => `route ${destination}`),
    ...facts.links.filter(({ xdp }) => xdp).map(({ name }) => `the XDP program on ${name}`),
  ].map((what) => `${what} is not ours`).concat(missingRules(facts));
}

/** NFPROTO_* as nft writes them. */
const nftFamilies: Readonly<Record<number, string>> = {
  1: 'inet', 2: 'ip', 3: 'arp', 5: 'netdev', 7: 'bridge', 10: 'ip6',
};

const nftFamily = (family: number): string => nftFamilies[family] ?? `family ${String(family)}`;

/** RTPROT_KERNEL: rules every namespace is born with. */
const kKernelProtocol = 2;
/** Their priorities. */
const kernelRules = { 4: [0, 32766, 32767], 6: [0, 32766] } as const;

type Rule = Pick<NamespaceFacts['rules'][number], 'family' | 'priority'>;

const ruleName = ({ family, priority }: Rule): string =>
  `ip ${family === 6 ? '-6 ' : ''}rule ${String(priority)}`;

/** Who deletes a rule of the kernel's rules as well. Without IPv6 there is none of that family. */
function missingRules({ rules }: NamespaceFacts): string[] {
  const families = ([4, 6] as const).filter((family) => rules.some((rule) => rule.family === family));
  return families.flatMap((family) => kernelRules[family].map((priority) => ({ family, priority })))
    .filter((wanted) => !rules.some(({ family, priority, protocol }) =>
      family === wanted.family && priority === wanted.priority && protocol === kKernelProtocol))
    .map((rule) => `${ruleName(rule)} of the kernel is gone`);
}
