/** How large a packet networks may carry: what the smallest underlay leaves after VXLAN's headers. */
import { familyOf } from './addresses.js';
import { VXLAN_OVERHEAD_BYTES } from './limits.js';
import type { Node, NodeIntent } from './resources.js';

export interface MtuCeiling {
  readonly mtuBytes: number;
  readonly underlayMtuBytes: number;
  readonly overheadBytes: number;
  /** The node whose underlay is the smallest. */
  readonly node: string;
}

/** Undefined where there are no nodes: then nothing carries a packet. */
export function mtuCeiling(nodes: Iterable<NodeIntent | Node>): MtuCeiling | undefined {
  let ceiling: MtuCeiling | undefined;
  for (const node of nodes) {
    const underlayMtuBytes = underlayMtu(node);
    const overheadBytes = VXLAN_OVERHEAD_BYTES[familyOf(node.vtepIp)];
    const mtuBytes = underlayMtuBytes - overheadBytes;
    if (ceiling === undefined || mtuBytes < ceiling.mtuBytes)
      ceiling = { mtuBytes, underlayMtuBytes, overheadBytes, node: node.name };
  }
  return ceiling;
}

/** The sentence that refuses a wish, naming the wish and what it breaks on. */
export function tooLargeMtu(wishBytes: number, ceiling: MtuCeiling): string {
  return (
    `${wishBytes} is more than ${ceiling.mtuBytes}, which is all that node ${ceiling.node}'s underlay MTU ` +
    `${ceiling.underlayMtuBytes} leaves after VXLAN's ${ceiling.overheadBytes}`
  );
}

function underlayMtu(node: NodeIntent | Node): number {
  const reported = 'reportedMtuBytes' in node ? node.reportedMtuBytes : undefined;
  return Math.min(node.underlayMtuBytes, reported ?? node.underlayMtuBytes);
}
