/** How the kernel peer calls its things, and the rows that both of its halves write. */
import { type Command, ip, namespaceOf } from './fabric.js';

export const kPeer = 'kernel';
export const at = (name: string): string => namespaceOf(kPeer, name);
export const routerOf = (node: string): string => at(`${node}-router`);
export const bridge = (node: string, ...words: readonly string[]): Command => ['bridge', '-n', at(node), ...words];

export const neighbour = (namespace: string, address: string, mac: string, device: string): Command =>
  ip(namespace, 'neigh', 'replace', address, 'lladdr', mac, 'dev', device, 'nud', 'permanent');

/** Frames for the MAC leave the node by its vxlan device to the VTEP. */
export const remoteMacCommands = (node: string, device: string, mac: string, vtep: string): Command[] => [
  bridge(node, 'fdb', 'replace', mac, 'dev', device, 'dst', vtep, 'self', 'static'),
  bridge(node, 'fdb', 'replace', mac, 'dev', device, 'master', 'static'),
];
