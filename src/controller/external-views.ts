/** What a node must know of the way out: the gateways of its routers, and the networks that they are in. */
import type { ExternalNetworkView, GatewayView, UplinkView } from '../model/node-view.js';
import type { ExternalNetworkIntent, Gateway, Node, Router } from '../model/resources.js';
import { uplinkTo } from '../model/uplinks.js';
import { fgPortKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { placedPortForwardings } from './port-forwardings.js';

/** The same on every node that has a copy, but for the votes: those are told to candidates alone. */
export function gatewayView(
  { snat, snatPath }: NonNullable<Router['gateway']>,
  { network, node, mac, addresses, snatPorts }: Gateway,
  portForwardings: NonNullable<GatewayView['portForwardings']>,
  election: GatewayView['election'],
): GatewayView {
  return {
    network,
    snat,
    snatPath,
    ...(node === undefined ? {} : { node }),
    ...(election === undefined ? {} : { election }),
    mac,
    addresses,
    snatPorts,
    ...(portForwardings.length === 0 ? {} : { portForwardings }),
  };
}

/** Those whose port has an address now. */
export function portForwardingViews(
  intent: Intent,
  router: Router,
  given: Gateway,
): NonNullable<GatewayView['portForwardings']> {
  return placedPortForwardings(intent, router, given).flatMap(({ view }) => view ?? []);
}

/** The networks of the gateways of `routers`, which have a copy on the node. */
export function externalNetworkViews(
  intent: Intent,
  routers: readonly Router[],
  node: Node,
): readonly ExternalNetworkView[] {
  const used = new Set<string | undefined>(routers.map(({ gateway }) => gateway?.network));
  return byName(intent.externalNetworks)
    .filter(({ name }) => used.has(name))
    .map((network) => {
      const uplink = uplinkOf(network, node);
      const fg = intent.fgPorts.get(fgPortKey(network.name, node.name));
      return {
        name: network.name,
        mtuBytes: network.mtuBytes,
        subnets: network.subnets.map(({ cidr, gatewayIp }) => ({
          cidr,
          ...(gatewayIp === undefined ? {} : { gatewayIp }),
        })),
        ...(uplink === undefined ? {} : { uplink }),
        ...(uplink === undefined || fg === undefined
          ? {}
          : { fg: { mac: fg.mac, addresses: fg.addresses } }),
      };
    });
}

function uplinkOf(
  { physicalNetwork, vlan }: ExternalNetworkIntent,
  node: Node,
): UplinkView | undefined {
  const provider = uplinkTo(node, physicalNetwork);
  return provider === undefined ? undefined : { ...provider, ...(vlan === undefined ? {} : { vlan }) };
}
