/** What the bench asks of every way to build the picture: to be there, to be gone, and where its VMs are. */
import type { EngineReading } from '../engine.js';

export const peerNames = ['kernel', 'ovs', 'ovs-afxdp', 'dvr'] as const;
export type PeerName = (typeof peerNames)[number];

export interface Peer {
  readonly name: PeerName;
  /** One line for people: what carries the packets. */
  readonly title: string;
  /** It has an outside, source NAT and floating IPs as well. */
  readonly leadsOutside: boolean;
  /** Why it cannot be measured on this machine; undefined: it can. */
  missing(): Promise<string | undefined>;
  up(): Promise<void>;
  /** Takes all of it away; harmless when it is not up. */
  down(): Promise<void>;
  /** Name of the namespace of a VM, or of the outside host, in /run/netns; its device is always eth0. */
  namespaceOf(place: string): string;
  /** Counters of our own dataplane; only ours has them. */
  read?(): Promise<EngineReading>;
}
