/**
 * Explains a VXLAN packet on the underlay: between EW5 on the node that sent it and EW6 on the one that
 * gets it. Everything both bridges promise about the wire is checked here: VTEPs and VNI known, no router
 * MAC in sight, the DVR MAC of the sending node, the port on the receiving one.
 */
import {
  askedAddress, checkArp, checkDestination, checkKnownSource, checkSourceIp, checkTtl, macOfIp,
  vtepText,
} from './explain-checks.js';
import {
  macText, networkKey, subjectOf, type Explanation, type Fault, type Intent, type Row, type Subject,
} from './explain-model.js';
import { outwardFaults, outwardOf, snatGatewayRow } from './explain-outside.js';
import type { Frame, Ip, Vxlan } from './frame.js';
import { named } from './names.js';
import { packetText } from './packet-text.js';

/** The I flag alone (RFC 7348 §5). */
const kVniFlag = 0x08;

interface Wire {
  readonly outer: Ip;
  readonly vxlan: Vxlan;
  readonly sender: string | undefined;
  readonly receiver: string | undefined;
  /** Of the VNI. */
  readonly network: string | undefined;
}

export function explainTunnel(outer: Ip, vxlan: Vxlan, intent: Intent): Explanation {
  const { names } = intent;
  const wire: Wire = {
    outer, vxlan,
    sender: names.nodeOfVtep(outer.src)?.name, receiver: names.nodeOfVtep(outer.dst)?.name,
    network: names.networkOfVni(vxlan.vni)?.name,
  };
  const ends = `${vtepText(outer.src, intent)} -> ${vtepText(outer.dst, intent)}`;
  const hop = `underlay ${ends}, VNI ${named(vxlan.vni, wire.network)}`;
  const outerFaults = [...checkVteps(wire), ...checkFlags(vxlan)];
  if (vxlan.inner === undefined) {
    const faults = [...outerFaults, cutOff];
    const packet = 'VXLAN with no whole frame inside';
    return { packet, hop, steps: ['EW6'], stage: 'vxlan_decap', faults };
  }
  const subject = subjectOf(vxlan.inner, intent);
  const isRouted = subject.from?.kind === 'dvr' || subject.from?.kind === 'router';
  return {
    packet: packetText(vxlan.inner), hop,
    steps: outwardOf(subject, intent) !== undefined ? ['NS5', 'NS6'] : isRouted ? ['EW5', 'EW6'] : ['L2-2', 'L2-3'],
    ...stageAndRow(subject, wire, intent),
    faults: [...outerFaults, ...innerFaults(subject, wire, intent)],
  };
}

const cutOff: Fault = {
  field: 'inner frame', found: 'cut off', expected: 'an Ethernet frame',
  why: 'vxlan_decap drops what it cannot read',
};

function stageAndRow(
  subject: Subject, { outer, network, sender }: Wire, intent: Intent,
): { stage: string; row?: Row } {
  const { frame, isGroup } = subject;
  if (network === undefined) return { stage: 'tun_to_lv' };
  const outward = outwardOf(subject, intent);
  if (outward !== undefined) return { stage: 'ucast_to_tun', row: snatGatewayRow(subject, outward, sender, intent) };
  const key = networkKey(network, sender, intent);
  const value = vtepText(outer.dst, intent);
  if (isGroup) return { stage: 'flood_to_tun', row: { table: 'flood_to_tun', key, value } };
  return {
    stage: 'ucast_to_tun',
    row: { table: 'ucast_to_tun', key: `${key}, ${macText(frame.dstMac, intent)}`, value },
  };
}

function checkVteps({ outer, sender, receiver }: Wire): Fault[] {
  const fault = (field: string, found: string): Fault => ({
    field, found, expected: 'a VTEP of the cluster',
    why: 'vxlan_decap takes VXLAN from known VTEPs only',
  });
  return [
    ...(sender === undefined ? [fault('outer source IP', outer.src)] : []),
    ...(receiver === undefined ? [fault('outer destination IP', outer.dst)] : []),
  ];
}

function checkFlags({ flags }: Vxlan): Fault[] {
  if (flags === kVniFlag) return [];
  return [{
    field: 'VXLAN flags', found: `0x${flags.toString(16).padStart(2, '0')}`, expected: '0x08',
    why: 'the I flag and nothing else (RFC 7348 section 5)',
  }];
}

function innerFaults(subject: Subject, wire: Wire, intent: Intent): Fault[] {
  const isRouted = subject.from?.kind === 'dvr' || subject.from?.kind === 'router';
  return [
    ...checkTag(subject.frame),
    ...checkVni(subject, wire, intent),
    ...checkInnerSource(subject, wire, intent),
    ...checkInnerDestination(subject, wire, intent),
    ...(isRouted ? checkTtl(subject, intent) : checkSourceIp(subject)),
    ...checkDestination(subject, intent),
    ...checkArp(subject, wire.network, intent),
    ...checkNeedlessQuestion(subject, wire, intent),
  ];
}

function checkTag({ vlan }: Frame): Fault[] {
  if (vlan === undefined) return [];
  return [{
    field: 'inner 802.1Q tag', found: `${vlan}`, expected: 'none',
    why: 'the local VLAN is stripped before the tunnel (EW5)',
  }];
}

/** The VNI is that of the destination's network, routed or not. */
function checkVni({ to }: Subject, { vxlan, network }: Wire, { names }: Intent): Fault[] {
  const right = to?.kind === 'port' ? names.networks.get(to.network) : undefined;
  const found = named(vxlan.vni, network);
  if (right !== undefined && right.vni !== vxlan.vni && to?.kind === 'port') {
    return [{
      field: 'VNI', found, expected: named(right.vni, right.name),
      why: `the destination, ${to.port.name}, is on ${right.name}`,
    }];
  }
  if (network !== undefined) return [];
  return [{
    field: 'VNI', found, expected: 'the VNI of a network', why: 'tun_to_lv has no row for it',
  }];
}

function checkInnerSource(subject: Subject, { sender }: Wire, intent: Intent): Fault[] {
  const { frame, from } = subject;
  const node = intent.names.node(sender);
  const fault = (expected: string, why: string): Fault[] => [
    { field: 'inner source MAC', found: macText(frame.srcMac, intent), expected, why },
  ];
  const own = node?.dvrMac === undefined
    ? 'the DVR MAC of the sending node'
    : macText(node.dvrMac, intent);
  if (from?.kind === 'router') {
    return fault(own, 'no router MAC crosses the wire as source: dvr_process replaces it (EW5)');
  }
  if (from?.kind === 'dvr' && sender !== undefined && from.node !== sender) {
    return fault(own, `the packet came from ${sender}`);
  }
  const boundTo = from?.kind === 'port' ? from.port.node : undefined;
  if (boundTo !== undefined && sender !== undefined && boundTo !== sender) {
    const why = `${macText(frame.srcMac, intent)} is bound to ${boundTo}, not to ${sender}`;
    return fault(`the MAC of a port of ${sender}`, why);
  }
  // Nobody here tells an interop VTEP which MACs it may have.
  if (node?.interop === true) return [];
  return checkKnownSource(subject, intent).map((one) => ({ ...one, field: 'inner source MAC' }));
}

function checkInnerDestination(
  subject: Subject, { outer, network, receiver }: Wire, intent: Intent,
): Fault[] {
  const { frame, to, isGroup } = subject;
  const found = macText(frame.dstMac, intent);
  if (isGroup || to?.kind === 'dvr' || to?.kind === 'external') return [];
  const outward = outwardOf(subject, intent);
  if (outward !== undefined) return outwardFaults(receiver, outward, vtepText(outer.dst, intent));
  if (to?.kind === 'router') {
    const right = frame.ip === undefined ? undefined : macOfIp(frame.ip.dst, network, intent);
    return [{
      field: 'inner destination MAC', found,
      expected: right === undefined ? "the destination port's MAC" : macText(right, intent),
      why: "no router MAC crosses the wire as destination: routing is the sending node's work",
    }];
  }
  if (to === undefined) {
    return [{
      field: 'inner destination MAC', found, expected: 'the MAC of a port',
      why: 'no node is known to have it (unknown_unicast)',
    }];
  }
  const { node } = to.port;
  if (node === undefined || receiver === undefined || node === receiver) return [];
  const right = intent.names.node(node)?.vtepIp ?? '?';
  return [{
    field: 'outer destination IP', found: vtepText(outer.dst, intent),
    expected: named(right, node), why: `${to.port.name} is bound to ${node}`,
  }];
}

/** What a node can answer itself does not leave it (arp_responder). */
function checkNeedlessQuestion(
  subject: Subject, { network, sender }: Wire, intent: Intent,
): Fault[] {
  const asked = askedAddress(subject);
  if (asked === undefined || asked.isReply || !subject.isGroup || network === undefined) return [];
  const mac = macOfIp(asked.ip, network, intent);
  if (mac === undefined) return [];
  return [{
    field: 'ARP or ND target', found: asked.ip, expected: 'an answer on the node itself',
    why: `arp_responder on ${sender ?? 'the sending node'} knows that ${macText(mac, intent)} has it`,
  }];
}
