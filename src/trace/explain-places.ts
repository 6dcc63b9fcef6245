/**
 * Where on a node a frame is, from what the steps so far have done to it (explain.ts has the key). Each
 * function answers the place, the steps it can be, the stage and the row; faults only where the place
 * itself rules them out, such as a DVR MAC on br-int. What holds everywhere is in explain-checks.ts.
 */
import { routerDeviceName } from '../model/device-names.js';
import { askedAddress, macOfIp } from './explain-checks.js';
import {
  macText, networkKey, networksOfLocalVlan, type Fault, type Intent, type Row, type Subject,
} from './explain-model.js';
import { deliveryRow, portRow, routerMacRow, vniRow } from './explain-rows.js';
import { outwardOf, outwardPlace } from './explain-outside.js';

export interface Place {
  readonly hop: string;
  readonly steps: readonly string[];
  readonly stage?: string;
  readonly row?: Row;
  readonly network?: string;
  readonly faults?: readonly Fault[];
}

/** br-int shows frames as they leave it: to the router (EW1), to br-tun (EW4), to a port (EW7). */
export function onBrInt(subject: Subject, localVlan: number, intent: Intent): Place {
  const network = networkOf(subject);
  const candidates = networksOfLocalVlan(localVlan, intent);
  const match = candidates.find((one) => one.network === network) ?? candidates[0];
  const node = match?.node ?? intent.node;
  const bridge = node === undefined ? 'br-int' : `br-int of ${node}`;
  const hop = `${bridge}, local VLAN ${localVlan}${match === undefined ? '' : ` (${match.network})`}`;
  const faults = checkLocalVlan(localVlan, network, match?.network, node, intent);
  const place = onBrIntAs(subject, network, node, intent);
  return {
    ...place, hop, faults: [...faults, ...(place.faults ?? [])],
    ...(network === undefined ? {} : { network }),
  };
}

type Unplaced = Omit<Place, 'hop'>;

function onBrIntAs(
  subject: Subject, network: string | undefined, node: string | undefined, intent: Intent,
): Unplaced {
  const { from, to } = subject;
  if (from?.kind === 'dvr') return notTurnedBack(subject, intent);
  const outward = outwardOf(subject, intent);
  if (outward !== undefined) return outwardPlace(subject, outward, 'br-int', { ...intent, ...(node === undefined ? {} : { node }) });
  if (askedAddress(subject) !== undefined) return asking(subject, network, intent);
  if (to?.kind === 'router') {
    return { steps: ['EW1'], stage: 'find_router', row: routerMacRow(to, node, intent) };
  }
  if (from?.kind !== 'router') return { steps: ['L2-1', 'L2-4'], stage: 'switch' };
  if (to?.kind !== 'port') return { steps: ['EW4'], stage: 'switch' };
  const row = portRow(to.port, to.network, node, intent);
  if (to.port.node !== node) return { steps: ['EW4'], stage: 'switch', row };
  if (routedOn(subject, intent) === node) return { steps: ["EW7'"], stage: 'switch', row };
  const back = deliveryRow(subject, to.network, node, intent);
  return { steps: ['EW7'], stage: 'dvr_to_src_mac', row: back };
}

function notTurnedBack({ frame, to }: Subject, intent: Intent): Unplaced {
  const network = to?.kind === 'port' ? intent.names.networks.get(to.network) : undefined;
  const gateway = network?.routerInterfaces[0];
  return {
    steps: ['EW7'], stage: 'dvr_to_src_mac',
    faults: [{
      field: 'source MAC', found: macText(frame.srcMac, intent),
      expected: gateway === undefined ? 'a gateway MAC' : macText(gateway.mac, intent),
      why: 'br-int turns a DVR MAC back into the gateway MAC (EW7)',
    }],
  };
}

/** Without the nodes' numbers, as with --view, a local VLAN says nothing. */
function checkLocalVlan(
  localVlan: number, network: string | undefined, itsNetwork: string | undefined,
  node: string | undefined, intent: Intent,
): Fault[] {
  if (intent.ids.size === 0) return [];
  if (itsNetwork === undefined) {
    return [{
      field: 'local VLAN', found: `${localVlan}`, expected: 'a local VLAN of the node',
      why: 'no network has it',
    }];
  }
  if (network === undefined || itsNetwork === network) return [];
  return [{
    field: 'local VLAN', found: `${localVlan} (${itsNetwork})`,
    expected: networkKey(network, node, intent), why: `the frame's MACs are on ${network}`,
  }];
}

/** br-tun shows frames after its rewriting: on the sender's node EW5, on the receiver's EW6. */
export function onBrTun({ frame, to }: Subject, sender: string, intent: Intent): Place {
  const { node } = intent;
  const steps = node === undefined ? ['EW5', 'EW6'] : node === sender ? ['EW5'] : ['EW6'];
  const hop = `br-tun${node === undefined ? '' : ` of ${node}`}, from the router on ${sender}`;
  const wrong = (expected: string, why: string): Fault[] => [
    { field: 'destination MAC', found: macText(frame.dstMac, intent), expected, why },
  ];
  if (to?.kind !== 'port') {
    const faults = wrong('the MAC of a port', 'a frame from a DVR MAC goes to a known port only');
    return { hop, steps, stage: 'ucast_to_tun', faults };
  }
  const { port, network } = to;
  if (node === undefined || node === sender) {
    return { hop, steps, stage: 'ucast_to_tun', row: portRow(port, network, sender, intent), network };
  }
  const isHere = port.node === undefined || port.node === node;
  return {
    hop, steps, stage: 'tun_to_lv', row: vniRow(network, node, intent), network,
    faults: isHere ? [] : wrong(`the MAC of a port of ${node}`, `${port.name} is bound to ${port.node}`),
  };
}

/** The VM's port (EW1) and the router's device (EW2) see the same frame. */
export function towardsRouter(
  { from }: Subject, to: { readonly router: string; readonly network: string }, intent: Intent,
): Place {
  const node = from?.kind === 'port' ? from.port.node : intent.node;
  const port = from?.kind === 'port' ? `${from.port.name}'s port, or ` : '';
  const device = `${routerDeviceName(to.network)} of router ${to.router}`;
  return {
    hop: `${port}${device}${node === undefined ? '' : ` on ${node}`}`,
    steps: ['EW1', 'EW2'], stage: 'find_router', row: routerMacRow(to, node, intent), network: to.network,
  };
}

/**
 * Out of the router (EW3), or at the VM with the gateway's MAC put back (EW7): the same headers. Routing
 * is the sender's node's work, so the node of the capture tells them apart where the ends' nodes differ.
 */
export function fromRouter(
  subject: Subject, from: { readonly router: string; readonly network: string }, intent: Intent,
): Place {
  const { to } = subject;
  const device = `${routerDeviceName(from.network)} of router ${from.router}`;
  if (to?.kind !== 'port') {
    return { hop: device, steps: ['EW3'], stage: 'switch', network: from.network };
  }
  const { port, network } = to;
  const { node } = intent;
  const sender = routedOn(subject, intent);
  const out = { stage: 'switch', row: portRow(port, network, node ?? sender, intent), network };
  if (node !== undefined && port.node !== node) {
    return { hop: `${device} on ${node}`, steps: ['EW3'], ...out };
  }
  if (sender !== undefined && sender === port.node) {
    return { hop: `${device} on ${sender}, or ${port.name}'s port`, steps: ['EW3', "EW7'"], ...out };
  }
  const row = deliveryRow(subject, network, port.node, intent);
  const delivered = { stage: 'dvr_to_src_mac', row, network };
  return node !== undefined && sender !== undefined
    ? { hop: `${port.name}'s port on ${node}`, steps: ['EW7'], ...delivered }
    : { hop: `${device}, or ${port.name}'s port`, steps: ['EW3', 'EW7'], ...delivered };
}

export function insideNetwork(
  { from, to, isGroup }: Subject, network: string, intent: Intent,
): Place {
  if (from?.kind !== 'port') return { hop: 'unknown', steps: [] };
  const hop = `${from.port.name}'s port`;
  if (isGroup) {
    return { hop: `${hop}, a broadcast on ${network}`, steps: ['L2-1'], stage: 'flood', network };
  }
  if (to?.kind !== 'port') return { hop, steps: ['L2-1'], stage: 'switch', network };
  const isLocal = from.port.node !== undefined && from.port.node === to.port.node;
  return {
    hop: `${hop} or ${to.port.name}'s, inside ${network}`,
    steps: isLocal ? ['L2-1'] : ['L2-1', 'L2-4'], stage: 'switch',
    row: portRow(to.port, network, from.port.node, intent), network,
  };
}

/** ARP and ND are no step of the walk: they are answered at the first hop. */
export function asking(subject: Subject, network: string | undefined, intent: Intent): Place {
  const { from } = subject;
  const asked = askedAddress(subject)?.ip ?? '';
  const mac = macOfIp(asked, network, intent);
  const node = from?.kind === 'port' ? from.port.node : intent.node;
  const place = { hop: whoAsks(subject), steps: [], stage: 'arp_responder' };
  if (network === undefined) return place;
  if (mac === undefined) return { ...place, network };
  const key = `${networkKey(network, node, intent)}, ${asked}`;
  return { ...place, network, row: { table: 'neighbours', key, value: macText(mac, intent) } };
}

function whoAsks({ from }: Subject): string {
  if (from?.kind === 'port') return `${from.port.name}'s port`;
  if (from?.kind !== 'router') return 'unknown sender';
  return `${routerDeviceName(from.network)} of router ${from.router}`;
}

/** The network both MACs speak of: the sender's, or for a routed frame the receiver's. */
export function networkOf({ from, to }: Subject): string | undefined {
  if (to?.kind === 'port' || to?.kind === 'router') return to.network;
  return from?.kind === 'port' || from?.kind === 'router' ? from.network : undefined;
}

/** The node whose router routed the packet: the one its sender is on. */
function routedOn({ frame: { ip } }: Subject, { names }: Intent): string | undefined {
  return ip === undefined ? undefined : names.portOfIp(ip.src)?.node;
}
