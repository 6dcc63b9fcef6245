/** Builders for walks that leave the cloud: the views of crafted.ts with an outside, and the passages of its flows. */
import type { NodeIds } from '../../../src/model/node-call.js';
import type { FloatingIpView, GatewayView, NodeView } from '../../../src/model/node-view.js';
import type { NodeTrace, WalkEnd } from '../../../src/trace/walk-model.js';
import { idsOf, type MacName, outsideMacs as macs, PassageBuilder, viewOf, vms, vteps, type NodeName } from './crafted.js';

export const outside = { far: '198.51.100.9', gateway: '203.0.113.20', fip1: '203.0.113.101', fip2: '203.0.113.102', fip4: '203.0.113.104' } as const;
export const far: WalkEnd = { ip: outside.far };
const fgIp = { cn1: '203.0.113.21', cn2: '203.0.113.22', nn1: '203.0.113.23' } as const;
const fgMac = { cn1: macs.fgCn1, cn2: macs.fgCn2, nn1: macs.fgNn1 } as const;
/** Local VLAN of ext on every node, and the numbers of the ports that lead there. */
export const ext = { localVlan: 3, sg: 20, qg: 21, fg: 22, uplink: 23 } as const;

const gateway: GatewayView = {
  network: 'ext', snat: true, snatPath: 'router', node: 'nn1', mac: macs.qg, addresses: [`${outside.gateway}/24`],
  snatPorts: [{ network: 'red', mac: macs.sgRed, addresses: ['10.1.0.5/24'] }],
};
const floatingIp = (ip: string, { name, ip: fixedIp }: { readonly name: string; readonly ip: string }): FloatingIpView =>
  ({ ip, network: 'ext', fixedIp, port: name, placement: 'distributed' });
const floatingIps: Readonly<Record<NodeName, readonly FloatingIpView[]>> = {
  cn1: [floatingIp(outside.fip1, vms.vm1), floatingIp(outside.fip4, vms.vm4)], cn2: [floatingIp(outside.fip2, vms.vm2)], nn1: [],
};

export function outsideViewOf(name: NodeName): NodeView {
  const view = viewOf(name);
  const sg = { name: 'sg/r1/red', mac: macs.sgRed, ips: ['10.1.0.5'], node: 'nn1', allowedAddressPairs: [] };
  return {
    ...view,
    networks: view.networks.map((network) => (network.name === 'red' ? { ...network, ports: [...network.ports, sg] } : network)),
    routers: [{ id: 'r1', interfaces: [], routes: [], routing: 'auto', gateway, floatingIps: floatingIps[name] }],
    externalNetworks: [{
      name: 'ext', mtuBytes: 1500, subnets: [{ cidr: '203.0.113.0/24', gatewayIp: '203.0.113.1' }],
      uplink: { physicalNetwork: 'physnet1', device: 'ex0' }, fg: { mac: fgMac[name], addresses: [`${fgIp[name]}/24`] },
    }],
  };
}

export function outsideIdsOf(name: NodeName): NodeIds {
  const ids = idsOf(name);
  return {
    ...ids,
    ports: [
      ...ids.ports,
      { id: ext.sg, name: 'r1', kind: 'snat', network: 'red' }, { id: ext.qg, name: 'r1', kind: 'gateway', network: 'ext' },
      { id: ext.fg, name: 'ext', kind: 'fip', network: 'ext' }, { id: ext.uplink, name: 'physnet1', kind: 'uplink', network: '' },
    ],
    localVlans: [...ids.localVlans, { network: 'ext', localVlan: ext.localVlan }],
  };
}

export function outsideTraceOf(name: NodeName, ...passages: readonly PassageBuilder[]): NodeTrace {
  return { records: passages.flatMap(({ records }) => records), lost: 0, ids: outsideIdsOf(name), view: outsideViewOf(name) };
}

interface Ends { readonly from: WalkEnd; readonly to: WalkEnd; readonly type?: number }

/** Out of a namespace's device and by the node's wire, or from the wire into a device. */
export const byBrEx = (
  ends: Ends, passage: number, startUs: number, [inPort, outPort]: readonly [number, number],
  [src, dst, ttl]: readonly [MacName, MacName, number],
): PassageBuilder => {
  const builder = new PassageBuilder(ends, passage, inPort, startUs, { src, dst, ttl });
  return outPort === ext.uplink
    ? builder.through(['provider_in', 'ex_switch', { localVlan: ext.localVlan }], ['ex_switch', 'provider_out'],
      ['provider_out', 'output', { localVlan: 0, outPort }])
    : builder.through(['provider_in', 'ex_switch', { localVlan: ext.localVlan }], ['ex_switch', 'output', { outPort }]);
};

/** vm3 on cn2 to its gateway, redirected out of the same interface and into the tunnel to nn1: NS1 to NS5. */
export const redirectedToTunnel = (ends: Ends): PassageBuilder[] => [
  new PassageBuilder(ends, 1, 16, 100, { src: 'vm3', dst: 'r1Red' }).through(
    ['classify', 'anti_spoof', { localVlan: 7 }], ['anti_spoof', 'arp_responder'], ['arp_responder', 'find_router'],
    ['find_router', 'route'], ['route', 'output', { outPort: 18 }]),
  new PassageBuilder(ends, 2, 18, 115, { src: 'r1Red', dst: 'r1Red', ttl: 63 }).through(
    ['classify', 'arp_responder', { localVlan: 7 }], ['arp_responder', 'find_router'], ['find_router', 'dvr_process'],
    ['dvr_process', 'ucast_to_tun', { src: 'dvrCn2' }], ['ucast_to_tun', 'vxlan_encap', { vtep: vteps.nn1 }],
    ['vxlan_encap', 'output', { localVlan: 0, vni: 101, outPort: 1 }]),
];

/** Out of the tunnel on nn1, through its router to the sg device: NS6 to NS8. */
export const redirectedToSnat = (ends: Ends): PassageBuilder[] => [
  new PassageBuilder(ends, 1, 1, 160, { src: 'dvrCn2', dst: 'r1Red', ttl: 63, vtep: vteps.cn2 }).through(
    ['vxlan_decap', 'tun_to_lv', { vni: 101 }], ['tun_to_lv', 'classify', { vni: 0, localVlan: 4 }], ['classify', 'dvr_to_src_mac'],
    ['dvr_to_src_mac', 'output', { src: 'r1Red', outPort: 18 }]),
  new PassageBuilder(ends, 2, 18, 175, { src: 'r1Red', dst: 'sgRed', ttl: 62 }).through(
    ['classify', 'arp_responder', { localVlan: 4 }], ['arp_responder', 'find_router'], ['find_router', 'switch'],
    ['switch', 'output', { outPort: ext.sg }]),
];

/** vm1 on cn1 to its gateway, which is left by another namespace: FO1. */
export const toRouterForOutside = (ends: Ends): PassageBuilder =>
  new PassageBuilder(ends, 1, 16, 100, { src: 'vm1', dst: 'r1Red' }).through(
    ['classify', 'anti_spoof', { localVlan: 1 }], ['anti_spoof', 'arp_responder'], ['arp_responder', 'find_router'],
    ['find_router', 'route'], ['route', 'output', { outPort: 18 }]);

/** Out of the router's device in red on cn1, to vm1: FI4. */
export const toVm1 = (ends: Ends, passage: number, startUs: number, ttl: number): PassageBuilder =>
  new PassageBuilder(ends, passage, 18, startUs, { src: 'r1Red', dst: 'vm1', ttl }).through(
    ['classify', 'arp_responder', { localVlan: 1 }], ['arp_responder', 'find_router'], ['find_router', 'switch'],
    ['switch', 'output', { outPort: 16 }]);
