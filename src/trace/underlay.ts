/**
 * The wire between two nodes, as the walk prints it between EW5 and EW6: who sends to whom, and what
 * VXLAN adds to the packet inside (RFC 7348 §5: inner Ethernet 14, VXLAN 8, UDP 8, and the outer IP header).
 */
import type { TraceRecord } from '../dataplane/interface.js';
import { kTunnelPort } from './names.js';
import type { Visit, Walked } from './passage.js';
import type { Underlay } from './walk-model.js';

const kAddedBytes = { v4: 14 + 8 + 8 + 20, v6: 14 + 8 + 8 + 40 } as const;
const kEthernetBytes = 14;

export function underlayAfter(
  visit: Visit, last: TraceRecord, { names }: Walked,
): Underlay | undefined {
  if (visit.goesTo !== undefined || last.next !== 'output' || last.outPort !== kTunnelPort) return undefined;
  const { node } = visit.passage.trace.view;
  const network = names.networkOfVni(last.vni);
  return {
    fromNode: node.name, fromVtep: node.vtepIp,
    toNode: names.nodeOfVtep(last.vtep)?.name ?? '?', toVtep: last.vtep,
    vni: last.vni,
    innerBytes: last.frameBytes - kEthernetBytes,
    addedBytes: last.vtep.includes(':') ? kAddedBytes.v6 : kAddedBytes.v4,
    mtuBytes: network?.mtuBytes ?? 0,
  };
}
