/** What a node must know of the way out: the gateways of its routers, and the networks that they are in. */
import type { ExternalNetworkView, GatewayView, UplinkView } from '../model/node-view.js';
import type { ExternalNetworkIntent, Node, Router } from '../model/resources.js';
import { uplinkTo } from '../model/uplinks.js';
import { fgPortKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { placedPortForwardings } from './port-forwardings.js';

/** Undefined for a router without a gateway. The same on every node that has a copy. */
export function gatewayView(intent: Intent, router: Router): GatewayView | undefined {
  const { id, gateway } = router;
  const given = intent.gateways.get(id);
  if (gateway === undefined || given === undefined) return undefined;
  const { network, node, mac, addresses, snatPorts } = given;
  const portForwardings = placedPortForwardings(intent, router, given).flatMap(({ view }) => view ?? []);
  return {
    network,
    snat: gateway.snat,
    snatPath: gateway.snatPath,
    ...(node === undefined ? {} : { node }),
    mac,
    addresses,
    snatPorts,
    ...(portForwardings.length === 0 ? {} : { portForwardings }),
  };
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
        subnets: network.subnets.map(({ cidr, gatewayIp }) => ({ cidr, gatewayIp })),
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
