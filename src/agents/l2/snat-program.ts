/**
 * The rows about the way to the node that does a router's source NAT, and of the SNAT namespace's ports in tenant
 * networks (`sg-`) where that is this node.
 *
 *   snat_gateways             the node behind a gateway MAC              NS4 to NS7, `snat_path: router`
 *   ports, switch, flood      `sg-` is a port like a VM's, but trusted   NS8
 *   dvr_to_src_mac            and another node's router may address it   `snat_path: direct`
 *
 * Where `sg-` is, L2 population says: it is among its network's ports, and so br-int-program and br-tun-program
 * answer for its address and lead to its node. With `direct` there are no rows of snat_gateways, so nothing but
 * `sg-` is ever reached from another node.
 */
import type { Row } from '../../dataplane/rows.js';
import { snatPortName } from '../../model/device-names.js';
import type { GatewayView, NodeView, RouterView } from '../../model/node-view.js';
import type { LocalIds } from '../local-ids.js';
import { gatewayHere } from '../outside-devices.js';

export function snatProgram(view: NodeView, ids: LocalIds): Row[] {
  return view.routers.flatMap((router) => {
    const here = gatewayHere(router, view);
    return [...gatewayRows(router, view, ids), ...(here === undefined ? [] : portRows(router, here, ids))];
  });
}

function gatewayRows({ interfaces, gateway }: RouterView, view: NodeView, ids: LocalIds): Row[] {
  if (gateway === undefined || gateway.snatPath === 'direct') return [];
  const vtep = gateway.node === view.node.name ? '' : view.peers.find(({ name }) => name === gateway.node)?.vtepIp;
  if (vtep === undefined) return [];
  return interfaces.flatMap(({ network, mac }): Row[] => {
    const localVlan = ids.localVlans[network];
    if (localVlan === undefined) return [];
    return [{ table: 'snat_gateways', key: { local_vlan: localVlan, mac }, value: { vtep } }];
  });
}

function portRows({ id, interfaces }: RouterView, { snatPorts }: GatewayView, ids: LocalIds): Row[] {
  return snatPorts.flatMap(({ network, mac }): Row[] => {
    const port = ids.ports[snatPortName(id, network)];
    const localVlan = ids.localVlans[network];
    if (port === undefined || localVlan === undefined) return [];
    const key = { local_vlan: localVlan, mac };
    const value = { kind: 'snat', local_vlan: localVlan, mac, port_security: false } as const;
    const fromRouter = interfaces.filter((one) => one.network === network).map(({ mac: gatewayMac }): Row =>
      ({ table: 'dvr_to_src_mac', key: { ...key, ip: '' }, value: { gateway_mac: gatewayMac, port } }));
    return [
      { table: 'ports', key: { port }, value },
      { table: 'switch', key, value: { port } },
      { table: 'flood', key: { local_vlan: localVlan, port }, value: {} },
      ...fromRouter,
    ];
  });
}
