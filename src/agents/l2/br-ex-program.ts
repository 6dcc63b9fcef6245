/**
 * The rows of br-ex, between the provider's wire and the namespaces' devices `qg-` and `fg-`.
 *
 *   ports          what is a wire, and which external network a namespace's device is in
 *   provider_in    provider VLAN to local VLAN      ex_switch, ex_flood    this node's own devices
 *   provider_out   and back                         NS9 "forwards the packet to the external network"
 *
 * Nothing is learned: a MAC that is not one of these devices' is on the wire.
 */
import type { Row } from '../../dataplane/rows.js';
import { fipPortName, gatewayPortName } from '../../model/device-names.js';
import type { NodeView } from '../../model/node-view.js';
import type { LocalIds } from '../local-ids.js';
import { gatewayHere, uplinkPortName, uplinks, wiredNetworks } from '../outside-devices.js';

/** The provider VLAN of a flat network: untagged. */
const kUntagged = 0;

/** A namespace's device in an external network. */
interface ExternalPort { readonly name: string; readonly network: string; readonly mac: string }

export function brExProgram(view: NodeView, ids: LocalIds): Row[] {
  return [
    ...uplinks(view).flatMap(({ name }) => uplinkRow(ids.ports[name])),
    ...wiredNetworks(view).flatMap(({ name, uplink: { physicalNetwork, vlan = kUntagged } }): Row[] => {
      const port = ids.ports[uplinkPortName(physicalNetwork)];
      const localVlan = ids.localVlans[name];
      if (port === undefined || localVlan === undefined) return [];
      return [
        { table: 'provider_in', key: { port, vlan }, value: { local_vlan: localVlan } },
        { table: 'provider_out', key: { local_vlan: localVlan }, value: { port, vlan } },
      ];
    }),
    ...externalPorts(view).flatMap((port) => externalPortRows(port, ids)),
  ];
}

function externalPorts(view: NodeView): ExternalPort[] {
  return [
    ...view.routers.flatMap((router): ExternalPort[] => {
      const gateway = gatewayHere(router, view);
      if (gateway === undefined) return [];
      return [{ name: gatewayPortName(router.id), network: gateway.network, mac: gateway.mac }];
    }),
    ...wiredNetworks(view).flatMap(({ name, fg }): ExternalPort[] =>
      (fg === undefined ? [] : [{ name: fipPortName(name), network: name, mac: fg.mac }])),
  ];
}

/** A wire may carry several networks, so it is in none of its own. */
function uplinkRow(port: number | undefined): Row[] {
  if (port === undefined) return [];
  const value = { kind: 'uplink', local_vlan: 0, mac: '00:00:00:00:00:00', port_security: false } as const;
  return [{ table: 'ports', key: { port }, value }];
}

function externalPortRows({ name, network, mac }: ExternalPort, ids: LocalIds): Row[] {
  const port = ids.ports[name];
  const localVlan = ids.localVlans[network];
  if (port === undefined || localVlan === undefined) return [];
  const value = { kind: 'external', local_vlan: localVlan, mac, port_security: false } as const;
  return [
    { table: 'ports', key: { port }, value },
    { table: 'ex_switch', key: { local_vlan: localVlan, mac }, value: { port } },
    { table: 'ex_flood', key: { local_vlan: localVlan, port }, value: {} },
  ];
}
