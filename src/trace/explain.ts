/**
 * Explains one captured packet: where on the walk a frame with these headers is, which stage and row
 * handle it there, and which field differs from what the tables intend. Pure; the capture comes from
 * pcap.ts, the intent from the nodes' views.
 *
 * A frame does not say where it was captured. What tells the hops apart is what the steps do to it:
 *   UDP 4789                       underlay       EW5, EW6
 *   802.1Q tag                     br-int         the device shows the local VLAN so
 *   source is a DVR MAC            br-tun         after EW5's rewriting, before EW7's
 *   to a router MAC                VM port or qr- EW1, EW2
 *   to itself, a router MAC        qr-            NS3, NS7
 *   from a router MAC              qr- or VM port EW3, EW7
 *   the MAC of a qg- or fg- device br-ex, wire    NS9
 */
import {
  askedAddress, checkArp, checkDestination, checkFirstHop, checkGatewayMac, checkKnownSource,
  checkSourceIp, checkTtl,
} from './explain-checks.js';
import {
  subjectOf, type Explanation, type Fault, type Intent, type Subject,
} from './explain-model.js';
import {
  asking, fromRouter, insideNetwork, networkOf, onBrInt, onBrTun, towardsRouter, type Place,
} from './explain-places.js';
import { explainTunnel } from './explain-tunnel.js';
import { onBrEx, outwardOf, outwardPlace } from './explain-outside.js';
import { decodeFrame } from './frame.js';
import { packetText } from './packet-text.js';

const noHeader: Fault = {
  field: 'frame', found: 'cut off', expected: 'an Ethernet header',
  why: 'every stage drops what it cannot read',
};

export function explainPacket(data: Uint8Array, intent: Intent): Explanation {
  const frame = decodeFrame(data);
  if (frame === undefined) {
    return { packet: `${data.length} bytes`, hop: 'unknown', steps: [], faults: [noHeader] };
  }
  if (frame.ip?.vxlan !== undefined) return explainTunnel(frame.ip, frame.ip.vxlan, intent);
  const subject = subjectOf(frame, intent);
  const { network, faults = [], ...place } = placeOf(subject, intent);
  return {
    packet: packetText(frame),
    ...place,
    faults: [...faults, ...commonFaults(subject, network, intent)],
  };
}

function placeOf(subject: Subject, intent: Intent): Place {
  const { frame, from, to } = subject;
  const outside = onBrEx(subject, intent);
  if (outside !== undefined) return outside;
  if (frame.vlan !== undefined) return onBrInt(subject, frame.vlan, intent);
  if (askedAddress(subject) !== undefined) return asking(subject, networkOf(subject), intent);
  const outward = outwardOf(subject, intent);
  if (outward !== undefined) return outwardPlace(subject, outward, from?.kind === 'dvr' ? 'br-tun' : 'qr-', intent);
  if (from?.kind === 'dvr') return onBrTun(subject, from.node, intent);
  if (to?.kind === 'router' && from?.kind !== 'router') {
    return towardsRouter(subject, to, intent);
  }
  if (from?.kind === 'router') return fromRouter(subject, from, intent);
  if (from?.kind === 'port') return insideNetwork(subject, from.network, intent);
  if (to?.kind === 'port') {
    return { hop: `${to.port.name}'s port`, steps: ['L2-4'], network: to.network };
  }
  return { hop: 'unknown: neither MAC belongs to the cluster', steps: [] };
}

function commonFaults(subject: Subject, network: string | undefined, intent: Intent): Fault[] {
  const { from, to } = subject;
  const isRouted = from?.kind === 'router' || from?.kind === 'dvr';
  return [
    // Whoever is outside has any MAC.
    ...(to?.kind === 'external' ? [] : checkKnownSource(subject, intent)),
    ...checkSourceIp(subject),
    ...checkFirstHop(subject, intent),
    ...checkGatewayMac(subject, intent),
    ...(isRouted ? checkTtl(subject, intent) : []),
    ...checkDestination(subject, intent),
    ...checkArp(subject, network, intent),
  ];
}
