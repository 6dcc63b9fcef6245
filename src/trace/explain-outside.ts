/**
 * Where a frame on its way outside is: NS3 to NS7, where the router addresses its own MAC, and NS9 on br-ex and the
 * provider's wire. Used by explain.ts, explain-places.ts and explain-tunnel.ts before their own rules.
 */
import { routerDeviceName } from '../model/device-names.js';
import { macText, networkKey, type Fault, type Intent, type Row, type Subject } from './explain-model.js';
import type { Place } from './explain-places.js';

/** A frame for the node that does a router's source NAT. */
export interface Outward { readonly router: string; readonly network: string; readonly node: string }

/** What the router sends to its own MAC, on the wire with a DVR MAC as source (`snat_path: router`); else nothing. */
export function outwardOf({ frame, from, to }: Subject, { views }: Intent): Outward | undefined {
  if (to?.kind !== 'router') return undefined;
  const isToItself = from?.kind === 'router' && frame.srcMac === frame.dstMac;
  if (!isToItself && from?.kind !== 'dvr') return undefined;
  const gateway = views.flatMap(({ routers }) => routers).find(({ id }) => id === to.router)?.gateway;
  if (gateway?.node === undefined || gateway.snatPath !== 'router') return undefined;
  return { router: to.router, network: to.network, node: gateway.node };
}

/** snat_gateways: on the node that does the source NAT it says so, on all others where that is (NS5). */
export function snatGatewayRow({ frame }: Subject, { network, node }: Outward, at: string | undefined, intent: Intent): Row {
  return {
    table: 'snat_gateways', key: `${networkKey(network, at, intent)}, ${macText(frame.dstMac, intent)}`,
    value: at === node ? 'this node' : `the VTEP of ${node}`,
  };
}

/** br-int, br-tun and the router's device see the frame on both nodes. */
export function outwardPlace(subject: Subject, out: Outward, bridge: 'br-int' | 'br-tun' | 'qr-', intent: Intent): Place {
  const isThere = intent.node === out.node;
  const isSure = intent.node !== undefined;
  const of = isSure ? ` of ${intent.node}` : '';
  const row = snatGatewayRow(subject, out, intent.node, intent);
  const common = { row, network: out.network };
  const steps = (before: string, after: string): string[] => (isSure ? [isThere ? after : before] : [before, after]);
  switch (bridge) {
    case 'br-int': return {
      hop: `br-int${of}, towards ${out.node}, which does the source NAT of ${out.router}`,
      steps: steps('NS4', 'NS7'), stage: isThere ? 'dvr_to_src_mac' : 'find_router', ...common,
    };
    case 'br-tun': return {
      hop: `br-tun${of}, towards ${out.node}, which does the source NAT of ${out.router}`,
      steps: steps('NS5', 'NS6'), stage: isThere ? 'tun_to_lv' : 'ucast_to_tun', ...common,
    };
    case 'qr-': return {
      hop: `${routerDeviceName(out.network)} of router ${out.router}${isSure ? ` on ${intent.node}` : ''}, on its way outside`,
      steps: steps('NS3', 'NS7'), stage: isThere ? 'dvr_to_src_mac' : 'find_router', ...common,
    };
  }
}

/** The tunnel carries it to that node and no other (NS5, NS6). */
export function outwardFaults(receiver: string | undefined, { node, router }: Outward, found: string): Fault[] {
  if (receiver === undefined || receiver === node) return [];
  return [{
    field: 'outer destination IP', found, expected: `the VTEP of ${node}`,
    why: `${node} does the source NAT of ${router}`,
  }];
}

/** On br-ex, or on the provider's wire: what a `qg-` or `fg-` device sends or gets. */
export function onBrEx({ from, to, isGroup }: Subject, intent: Intent): Place | undefined {
  const device = from?.kind === 'external' ? from : to?.kind === 'external' ? to : undefined;
  if (device === undefined) return undefined;
  const node = intent.node === undefined ? '' : ` of ${intent.node}`;
  const isOut = from?.kind === 'external';
  return {
    hop: `br-ex${node} or the provider's wire, ${isOut ? 'from' : 'to'} ${device.name}`,
    steps: isOut && device.name.startsWith('qg-') ? ['NS9'] : [],
    stage: isGroup ? 'ex_flood' : to?.kind === 'external' ? 'ex_switch' : 'provider_out',
  };
}
