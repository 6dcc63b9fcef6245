/**
 * The rows of br-tun that follow from the view: L2 population and what turns local VLANs into VNIs.
 *
 *   vteps             whom VXLAN is accepted from                      EW6
 *   tun_to_lv         VNI to this node's local VLAN                    EW6 "adds CN2's own local VLAN"
 *   ucast_to_tun      the VTEP of every remote MAC                     EW5 "tunnels the frame … to CN2"
 *   flood_to_tun      the VTEPs that get a network's broadcasts
 *   networks          local VLAN to VNI, and the MTU                   EW5 "with green's VNI"
 *
 * Nothing local is in ucast_to_tun: what the switch stage does not know locally is elsewhere, or nowhere.
 */
import type { Row } from '../../dataplane/rows.js';
import type { NetworkView, NodeView, PortView } from '../../model/node-view.js';
import type { LocalIds } from '../local-ids.js';
import { macsAt } from './mac-places.js';

export function brTunProgram(view: NodeView, ids: LocalIds): Row[] {
  const vtepOf = new Map(view.peers.map(({ name, vtepIp }) => [name, vtepIp]));
  return [
    ...view.peers.map(
      ({ vtepIp, interop }): Row => ({ table: 'vteps', key: { vtep: vtepIp }, value: { interop } }),
    ),
    ...view.networks.flatMap((network) => networkRows(network, ids.localVlans[network.name], vtepOf)),
  ];
}

function networkRows(
  network: NetworkView, localVlan: number | undefined, vtepOf: ReadonlyMap<string, string>,
): Row[] {
  if (localVlan === undefined) return [];
  const { vni, mtuBytes } = network;
  return [
    { table: 'tun_to_lv', key: { vni }, value: { local_vlan: localVlan } },
    ...populationRows(network, localVlan, vtepOf),
    ...network.floodVteps.map(
      (vtep): Row => ({ table: 'flood_to_tun', key: { local_vlan: localVlan, vtep }, value: {} }),
    ),
    { table: 'networks', key: { local_vlan: localVlan }, value: { vni, mtu_bytes: mtuBytes } },
  ];
}

/** Ports' own MACs come before those of address pairs: a pair never takes a port's MAC away from it. */
function populationRows(
  network: NetworkView, localVlan: number, vtepOf: ReadonlyMap<string, string>,
): Row[] {
  const own: Row[] = [];
  const ofPairs: Row[] = [];
  for (const port of network.ports) {
    const vtep = port.node === undefined ? undefined : vtepOf.get(port.node);
    if (vtep === undefined) continue;
    own.push(ownRow(port, localVlan, vtep));
    for (const mac of macsAt(port, network).slice(1)) ofPairs.push(row(localVlan, mac, vtep));
  }
  return [...own, ...ofPairs];
}

const row = (localVlan: number, mac: string, vtep: string): Row =>
  ({ table: 'ucast_to_tun', key: { local_vlan: localVlan, mac }, value: { vtep, learned: false, stale: false } });

const ownRows = new WeakMap<PortView, { readonly localVlan: number; readonly vtep: string; readonly row: Row }>();

/** The same row for as long as the port is the same and where it was: it has been packed already (rows.ts). */
function ownRow(port: PortView, localVlan: number, vtep: string): Row {
  const known = ownRows.get(port);
  if (known?.localVlan === localVlan && known.vtep === vtep) return known.row;
  const made = { localVlan, vtep, row: row(localVlan, port.mac, vtep) };
  ownRows.set(port, made);
  return made.row;
}
