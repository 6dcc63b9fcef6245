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
 *   from a router MAC              qr- or VM port EW3, EW7
 */
import { askedAddress, checkArp, checkDestination, checkFirstHop, checkGatewayMac, checkKnownSource, checkSourceIp, checkTtl, macOfIp } from './explain-checks.js';
import { macText, networkKey, networksOfLocalVlan, subjectOf, type Explanation, type Fault, type Intent, type Row, type Subject } from './explain-model.js';
import { explainTunnel } from './explain-tunnel.js';
import { decodeFrame } from './frame.js';
import { routerDeviceName } from '../namespaces/router-namespace.js';
import { packetText } from './packet-text.js';

/** Where the frame is, before it is checked. */
interface Place {
  readonly hop: string;
  readonly steps: readonly string[];
  readonly stage?: string;
  readonly row?: Row;
  readonly network?: string;
  readonly faults?: readonly Fault[];
}

export function explainPacket(data: Uint8Array, intent: Intent): Explanation {
  const frame = decodeFrame(data);
  if (frame === undefined) return { packet: `${data.length} bytes`, hop: 'unknown', steps: [], faults: [{ field: 'frame', found: 'cut off', expected: 'an Ethernet header', why: 'every stage drops what it cannot read' }] };
  if (frame.ip?.vxlan !== undefined) return explainTunnel(frame.ip, frame.ip.vxlan, intent);
  const subject = subjectOf(frame, intent);
  const { network, faults = [], ...place } = placeOf(subject, intent);
  return { packet: packetText(frame), ...place, faults: [...faults, ...commonFaults(subject, network, intent)] };
}

function placeOf(subject: Subject, intent: Intent): Place {
  const { frame, from, to } = subject;
  if (frame.vlan !== undefined) return onBrInt(subject, frame.vlan, intent);
  if (askedAddress(subject) !== undefined) return asking(subject, networkOf(subject), intent);
  if (from?.kind === 'dvr') return onBrTun(subject, from.node, intent);
  if (to?.kind === 'router' && from?.kind !== 'router') return towardsRouter(subject, to.router, to.network, intent);
  if (from?.kind === 'router') return fromRouter(subject, from.router, from.network, intent);
  if (from?.kind === 'port') return insideNetwork(subject, from.network, intent);
  if (to?.kind === 'port') return { hop: `${to.port.name}'s port`, steps: ['L2-4'], network: to.network };
  return { hop: 'unknown: neither MAC belongs to the cluster', steps: [] };
}

function commonFaults(subject: Subject, network: string | undefined, intent: Intent): Fault[] {
  const { from } = subject;
  const isRouted = from?.kind === 'router' || from?.kind === 'dvr';
  return [
    ...checkKnownSource(subject, intent),
    ...checkSourceIp(subject),
    ...checkFirstHop(subject, intent),
    ...checkGatewayMac(subject, intent),
    ...(isRouted ? checkTtl(subject, intent) : []),
    ...checkDestination(subject, intent),
    ...checkArp(subject, network, intent),
  ];
}

/** br-int shows frames as they leave it: to the router (EW1), to br-tun (EW4), to a port (EW7). */
function onBrInt(subject: Subject, localVlan: number, intent: Intent): Place {
  const { from, to, frame } = subject;
  const network = networkOf(subject);
  const candidates = networksOfLocalVlan(localVlan, intent);
  const match = candidates.find((one) => one.network === network) ?? candidates[0];
  const node = match?.node ?? intent.node;
  const hop = `br-int${node === undefined ? '' : ` of ${node}`}, local VLAN ${localVlan}${match === undefined ? '' : ` (${match.network})`}`;
  const faults = intent.ids.size === 0 ? [] : checkLocalVlan(localVlan, network, match, node, intent);
  const place = { hop, faults, ...(network === undefined ? {} : { network }) };
  if (from?.kind === 'dvr') {
    const right = to?.kind === 'port' ? intent.names.networks.get(to.network)?.routerInterfaces[0] : undefined;
    const expected = right === undefined ? 'a gateway MAC' : macText(right.mac, intent);
    return { ...place, steps: ['EW7'], stage: 'dvr_to_src_mac', faults: [...faults, { field: 'source MAC', found: macText(frame.srcMac, intent), expected, why: 'br-int turns a DVR MAC back into the gateway MAC (EW7)' }] };
  }
  if (askedAddress(subject) !== undefined) return { ...place, ...asking(subject, network, intent), hop };
  if (to?.kind === 'router') return { ...place, steps: ['EW1'], stage: 'route', row: routeRow(to, node, intent) };
  if (from?.kind !== 'router') return { ...place, steps: ['L2-1', 'L2-4'], stage: 'switch' };
  if (to?.kind !== 'port') return { ...place, steps: ['EW4'], stage: 'switch' };
  if (to.port.node !== node) return { ...place, steps: ['EW4'], stage: 'switch', row: tunnelRow(to.port, to.network, node, intent) };
  return { ...place, steps: ['EW7', "EW7'"], stage: 'dvr_to_src_mac', row: deliveryRow(subject, to.network, node, intent) };
}

function checkLocalVlan(localVlan: number, network: string | undefined, match: { node: string; network: string } | undefined, node: string | undefined, intent: Intent): Fault[] {
  if (match === undefined) return [{ field: 'local VLAN', found: `${localVlan}`, expected: 'a local VLAN of the node', why: 'no network has it' }];
  if (network === undefined || match.network === network) return [];
  return [{ field: 'local VLAN', found: `${localVlan} (${match.network})`, expected: networkKey(network, node, intent), why: `the frame's MACs are on ${network}` }];
}

/** br-tun shows frames after its rewriting: on the sender's node EW5, on the receiver's EW6. */
function onBrTun({ frame, to }: Subject, sender: string, intent: Intent): Place {
  const { node } = intent;
  const steps = node === undefined ? ['EW5', 'EW6'] : node === sender ? ['EW5'] : ['EW6'];
  const hop = `br-tun${node === undefined ? '' : ` of ${node}`}, from the router on ${sender}`;
  if (to?.kind !== 'port') {
    return { hop, steps, stage: 'ucast_to_tun', faults: [{ field: 'destination MAC', found: macText(frame.dstMac, intent), expected: 'the MAC of a port', why: 'a frame from a DVR MAC goes to a known port only' }] };
  }
  const row = tunnelRow(to.port, to.network, steps[0] === 'EW6' ? undefined : sender, intent);
  const isReceiver = node !== undefined && node !== sender;
  const wrongNode = isReceiver && to.port.node !== undefined && to.port.node !== node;
  return {
    hop, steps, stage: isReceiver ? 'tun_to_lv' : 'ucast_to_tun', row, network: to.network,
    faults: wrongNode ? [{ field: 'destination MAC', found: macText(frame.dstMac, intent), expected: `the MAC of a port of ${node}`, why: `${to.port.name} is bound to ${to.port.node ?? '?'}` }] : [],
  };
}

function towardsRouter({ from, to }: Subject, router: string, network: string, intent: Intent): Place {
  const node = from?.kind === 'port' ? from.port.node : intent.node;
  const port = from?.kind === 'port' ? `${from.port.name}'s port, or ` : '';
  return {
    hop: `${port}${routerDeviceName(network)} of router ${router}${node === undefined ? '' : ` on ${node}`}`,
    steps: ['EW1', 'EW2'], stage: 'route', network,
    ...(to === undefined || to.kind !== 'router' ? {} : { row: routeRow(to, node, intent) }),
  };
}

/** Out of the router (EW3), or back to the gateway's MAC and at the VM (EW7): the same headers. */
function fromRouter(subject: Subject, router: string, network: string, intent: Intent): Place {
  const { to } = subject;
  const device = `${routerDeviceName(network)} of router ${router}`;
  if (to?.kind !== 'port') return { hop: device, steps: ['EW3'], stage: 'switch', network };
  const isAtSender = intent.node !== undefined && to.port.node !== intent.node;
  if (isAtSender) return { hop: `${device} on ${intent.node ?? '?'}`, steps: ['EW3'], stage: 'switch', row: tunnelRow(to.port, to.network, intent.node, intent), network: to.network };
  const row = deliveryRow(subject, to.network, intent.node ?? to.port.node, intent);
  return { hop: `${device}, or ${to.port.name}'s port`, steps: ['EW3', 'EW7', "EW7'"], stage: 'dvr_to_src_mac', row, network: to.network };
}

function insideNetwork({ from, to, isGroup }: Subject, network: string, intent: Intent): Place {
  if (from?.kind !== 'port') return { hop: 'unknown', steps: [] };
  if (isGroup) return { hop: `${from.port.name}'s port, a broadcast on ${network}`, steps: ['L2-1'], stage: 'flood', network };
  if (to?.kind !== 'port') return { hop: `${from.port.name}'s port`, steps: ['L2-1'], stage: 'switch', network };
  const row = tunnelRow(to.port, network, from.port.node, intent);
  const isLocal = from.port.node !== undefined && from.port.node === to.port.node;
  return { hop: `${from.port.name}'s port or ${to.port.name}'s, inside ${network}`, steps: isLocal ? ['L2-1'] : ['L2-1', 'L2-4'], stage: 'switch', row, network };
}

function asking(subject: Subject, network: string | undefined, intent: Intent): Place {
  const asked = askedAddress(subject);
  const { from } = subject;
  const who = from?.kind === 'port' ? `${from.port.name}'s port` : from?.kind === 'router' ? `${routerDeviceName(from.network)} of router ${from.router}` : 'unknown sender';
  const mac = asked === undefined ? undefined : macOfIp(asked.ip, network, intent);
  const node = from?.kind === 'port' ? from.port.node : intent.node;
  const row = asked === undefined || network === undefined || mac === undefined ? undefined
    : { table: 'arp_responder', key: `${networkKey(network, node, intent)}, ${asked.ip}`, value: macText(mac, intent) };
  return { hop: who, steps: [], stage: 'arp_responder', ...(row === undefined ? {} : { row }), ...(network === undefined ? {} : { network }) };
}

/** The network both MACs speak of: the sender's, or for a routed frame the receiver's. */
function networkOf({ from, to }: Subject): string | undefined {
  if (to?.kind === 'port' || to?.kind === 'router') return to.network;
  return from?.kind === 'port' || from?.kind === 'router' ? from.network : undefined;
}

/** What turns a DVR MAC back into the gateway's: keyed by network and destination. */
function deliveryRow({ frame }: Subject, network: string, node: string | undefined, intent: Intent): Row {
  return { table: 'dvr_to_src_mac', key: `${networkKey(network, node, intent)}, ${macText(frame.dstMac, intent)}`, value: macText(frame.srcMac, intent) };
}

function routeRow(router: { readonly router: string; readonly network: string }, node: string | undefined, intent: Intent): Row {
  const mac = intent.names.networks.get(router.network)?.routerInterfaces.find(({ routerId }) => routerId === router.router)?.mac ?? '?';
  return { table: 'route', key: `${networkKey(router.network, node, intent)}, ${macText(mac, intent)}`, value: `router namespace ${router.router}` };
}

function tunnelRow(port: { readonly mac: string; readonly node?: string }, network: string, node: string | undefined, intent: Intent): Row {
  const key = `${networkKey(network, node, intent)}, ${macText(port.mac, intent)}`;
  const isLocal = node !== undefined && port.node === node;
  return { table: isLocal ? 'switch' : 'ucast_to_tun', key, value: port.node === undefined ? 'nowhere: the port is not bound' : isLocal ? 'its port on this node' : `the VTEP of ${port.node}` };
}
