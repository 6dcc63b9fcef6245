/**
 * The link between a router's namespace and the FIP namespace on a node: a veth pair with a /31 of its own,
 * made of the router's number there. Lower address and `rfp-`: the router's end; upper and `fpr-`: the other.
 *
 *   qrouter-r1  rfp-r1 169.254.64.2/31 ═══ fpr-r1 169.254.64.3/31  fip-ext
 *
 * No route leads to the /31 by itself: nobody outside may find it behind proxy ARP.
 */
import { createHash } from 'node:crypto';
import { deviceName } from '../model/device-names.js';
import type { Neighbour, NamespaceDevice } from './namespace.js';

interface End { readonly device: string; readonly ip: string; readonly mac: string }
export interface FipLink { readonly rfp: End; readonly fpr: End }

/** 169.254.64.0/18 holds 8192 pairs; routers of a node have numbers below 4096. */
const kFirst = (169 << 24 | 254 << 16 | 64 << 8) >>> 0;

export function fipLink(router: string, number: number): FipLink {
  const end = (prefix: string, address: number): End => {
    const device = deviceName(prefix, router);
    return { device, ip: ipText(address), mac: macOf(`${device} ${router}`) };
  };
  return { rfp: end('rfp', kFirst + 2 * number), fpr: end('fpr', kFirst + 2 * number + 1) };
}

const ipText = (address: number): string => [24, 16, 8, 0].map((bits) => String(address >>> bits & 255)).join('.');

/** Locally administered: it is seen on the pair alone. */
const macOf = (text: string): string =>
  `0e:${createHash('sha256').update(text).digest('hex').slice(0, 10).replace(/..(?=.)/g, '$&:')}`;

export const endDevice = (own: End, other: End, peerNamespace: string, mtuBytes: number): NamespaceDevice => ({
  name: own.device, from: { vethPeer: other.device, peerNamespace }, mac: own.mac, mtuBytes, addresses: [`${own.ip}/31`],
  ipv6: false, onlink: false, sysctls: [],
});

export const endNeighbour = (own: End, other: End): Neighbour => ({ device: own.device, ip: other.ip, mac: other.mac });
