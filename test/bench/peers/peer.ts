/** What the bench asks of every way to build the picture: to be there, to be gone, and where its VMs are. */
import type { EngineReading } from '../engine.js';

export const peerNames = ['kernel', 'ovs', 'ovs-afxdp', 'dvr'] as const;
export type PeerName = (typeof peerNames)[number];

export interface Peer {
  readonly name: PeerName;
  /** One line for people: what carries the packets. */
  readonly title: string;
  /** Why it cannot be measured on this machine; undefined: it can. */
  missing(): Promise<string | undefined>;
  up(): Promise<void>;
  /** Takes all of it away; harmless when it is not up. */
  down(): Promise<void>;
  /** Name of the VM's namespace in /run/netns; its device is always eth0. */
  namespaceOf(vm: string): string;
  /** Counters of our own dataplane; only ours has them. */
  read?(): Promise<EngineReading>;
}
