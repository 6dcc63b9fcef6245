/** The rows that handle a frame, in the words of the views: what `dvr tables` shows with its numbers. */
import { macText, networkKey, type Intent, type Row, type Subject } from './explain-model.js';

/** router_macs: to this node's copy of the router (EW1), whichever way it routes then. */
export function routerMacRow(
  { router, network }: { readonly router: string; readonly network: string },
  node: string | undefined, intent: Intent,
): Row {
  const interfaces = intent.names.networks.get(network)?.routerInterfaces ?? [];
  const mac = interfaces.find(({ routerId }) => routerId === router)?.mac ?? '?';
  return {
    table: 'router_macs', key: `${networkKey(network, node, intent)}, ${macText(mac, intent)}`,
    value: `router ${router}`,
  };
}

/** Where a node finds the port: in switch when it is its own, else in ucast_to_tun (EW4, EW5). */
export function portRow(
  port: { readonly mac: string; readonly node?: string }, network: string,
  node: string | undefined, intent: Intent,
): Row {
  const key = `${networkKey(network, node, intent)}, ${macText(port.mac, intent)}`;
  if (port.node === undefined) return { table: 'ucast_to_tun', key, value: 'no row: it is not bound' };
  return port.node === node
    ? { table: 'switch', key, value: 'its port on this node' }
    : { table: 'ucast_to_tun', key, value: `the VTEP of ${port.node}` };
}

/** tun_to_lv: what EW6 finds the network by. */
export function vniRow(network: string, node: string, intent: Intent): Row {
  return {
    table: 'tun_to_lv', key: `VNI ${intent.names.networks.get(network)?.vni ?? '?'}`,
    value: networkKey(network, node, intent),
  };
}

/** dvr_to_src_mac: what turns a DVR MAC back into the gateway's (EW7). */
export function deliveryRow(
  { frame }: Subject, network: string, node: string | undefined, intent: Intent,
): Row {
  return {
    table: 'dvr_to_src_mac',
    key: `${networkKey(network, node, intent)}, ${macText(frame.dstMac, intent)}`,
    value: macText(frame.srcMac, intent),
  };
}
