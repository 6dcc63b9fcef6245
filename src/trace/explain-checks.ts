/**
 * What the tables intend of a frame's fields, wherever it is captured. Each check answers the faults it
 * finds; a frame as intended gives none. The rules behind them are the seed's and design.md §5's.
 */
import { macText, type Fault, type Intent, type Subject } from './explain-model.js';
import { icmpv6Types, protocols, type Ip } from './frame.js';
import { macName, named } from './names.js';

/** What stacks start with. A routed packet that still has one was not routed, or began with one more. */
const initialTtls: readonly number[] = [64, 128, 255];

const kFirstNdType = 133;
const kLastNdType = 137;

/** EW2: a router takes one off the TTL, except off what it sends itself. */
export function checkTtl({ frame: { ip } }: Subject, { names }: Intent): Fault[] {
  if (ip === undefined || !initialTtls.includes(ip.ttl)) return [];
  if (names.routerOfIp(ip.src) !== undefined || isNeighbourDiscovery(ip)) return [];
  return [{
    field: 'TTL', found: `${ip.ttl}`, expected: `${ip.ttl - 1}`,
    why: 'a routed packet has its TTL taken down by one (EW2)',
  }];
}

/** EW3: the router addresses the frame to the port that has the destination address. */
export function checkDestination({ frame, to }: Subject, intent: Intent): Fault[] {
  const { ip } = frame;
  if (ip === undefined || to?.kind !== 'port') return [];
  const owner = intent.names.portOfIp(ip.dst, to.network);
  const isAllowed = to.port.ips.includes(ip.dst) || to.port.allowedAddressPairs.length > 0;
  if (owner === undefined || isAllowed || owner.mac === frame.dstMac) return [];
  return [{
    field: 'destination MAC', found: macText(frame.dstMac, intent),
    expected: macText(owner.mac, intent), why: `${ip.dst} is ${owner.name}'s address`,
  }];
}

/** EW3: a frame from a router has the router's MAC of the network it is put out to. */
export function checkGatewayMac({ frame, from, to }: Subject, intent: Intent): Fault[] {
  if (from?.kind !== 'router' || to?.kind !== 'port' || from.network === to.network) return [];
  const interfaces = intent.names.networks.get(to.network)?.routerInterfaces ?? [];
  const right = interfaces.find(({ routerId }) => routerId === from.router);
  if (right === undefined) return [];
  return [{
    field: 'source MAC', found: macText(frame.srcMac, intent), expected: macText(right.mac, intent),
    why: `${to.port.name} is on ${to.network}`,
  }];
}

/** EW1: a VM sends to its own network's gateway, and to a MAC of its own network otherwise. */
export function checkFirstHop({ frame, from, to }: Subject, intent: Intent): Fault[] {
  if (from?.kind !== 'port' || to === undefined || to.kind === 'dvr' || to.kind === 'external') return [];
  if (to.network === from.network) return [];
  const gateway = intent.names.networks.get(from.network)?.routerInterfaces[0];
  const expected = gateway === undefined
    ? `a MAC on ${from.network}`
    : macText(gateway.mac, intent);
  return [{
    field: 'destination MAC', found: macText(frame.dstMac, intent), expected,
    why: `${from.port.name} is on ${from.network}, the destination MAC on ${to.network}`,
  }];
}

/** anti_spoof: a port sends only from its own addresses. */
export function checkSourceIp({ frame: { ip }, from }: Subject): Fault[] {
  if (ip === undefined || from?.kind !== 'port') return [];
  // The SNAT namespace's device hands in what comes from outside.
  if (from.port.name.startsWith('sg/')) return [];
  if (from.port.ips.includes(ip.src) || from.port.allowedAddressPairs.length > 0) return [];
  if (ip.src.startsWith('fe80:') || ip.src === '::' || ip.src === '0.0.0.0') return [];
  return [{
    field: 'source IP', found: ip.src, expected: from.port.ips.join(' or '),
    why: `anti_spoof lets ${from.port.name} speak only as itself`,
  }];
}

/** arp_responder: an address has one MAC, and its owner alone says so. */
export function checkArp(
  { frame: { arp } }: Subject, network: string | undefined, intent: Intent,
): Fault[] {
  if (arp === undefined || arp.senderIp === '0.0.0.0') return [];
  const mac = macOfIp(arp.senderIp, network, intent);
  if (mac === undefined || mac === arp.senderMac) return [];
  return [{
    field: 'ARP sender MAC', found: macText(arp.senderMac, intent), expected: macText(mac, intent),
    why: `${arp.senderIp} is ${macName(intent.names, mac) ?? 'someone else'}'s address`,
  }];
}

/** A source MAC nobody has, told apart by its first three bytes: one like the DVR MACs was meant as one. */
export function checkKnownSource({ frame, from }: Subject, intent: Intent): Fault[] {
  if (from !== undefined) return [];
  const base = intent.views[0]?.node.dvrMac.slice(0, 8);
  const isDvr = frame.srcMac.slice(0, 8) === base;
  return [{
    field: 'source MAC', found: frame.srcMac,
    expected: isDvr ? 'the DVR MAC of a node' : 'the MAC of a port',
    why: isDvr ? 'unknown DVR MAC: no node of the cluster has it' : 'no port of the cluster has it',
  }];
}

/** Who has the address: a router interface or a port of the network. */
export function macOfIp(
  ip: string, network: string | undefined, { names }: Intent,
): string | undefined {
  return names.routerOfIp(ip, network)?.mac ?? names.portOfIp(ip, network)?.mac;
}

/** RFC 4861 §4: router and neighbour messages and redirects, all sent with hop limit 255. */
function isNeighbourDiscovery({ protocol, icmp }: Ip): boolean {
  if (protocol !== protocols.icmpv6 || icmp === undefined) return false;
  return icmp.type >= kFirstNdType && icmp.type <= kLastNdType;
}

/** The address a node asks for, or says it has: ARP's target or sender, ND's target. */
export function askedAddress(
  { frame: { arp, ip } }: Subject,
): { ip: string; isReply: boolean } | undefined {
  if (arp !== undefined) {
    return { ip: arp.operation === 2 ? arp.senderIp : arp.targetIp, isReply: arp.operation === 2 };
  }
  const target = ip?.icmp?.target;
  if (target === undefined) return undefined;
  return { ip: target, isReply: ip?.icmp?.type === icmpv6Types.advertisement };
}

export const vtepText = (vtep: string, { names }: Intent): string =>
  named(vtep, names.nodeOfVtep(vtep)?.name);
