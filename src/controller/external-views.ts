/** What a node must know of the way out: the gateways of its routers, and the networks that they are in. */
import type { ExternalNetworkView, GatewayView, UplinkView } from '../model/node-view.js';
import type { ExternalNetworkIntent, Node, Router } from '../model/resources.js';
import { uplinkTo } from '../model/uplinks.js';
import { fgPortKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { placedPortForwardings } from './port-forwardings.js';
import { nodesOfRouter } from './router-copies.js';
import { snatNodesOf } from './snat-nodes.js';

/** Undefined for a router without a gateway. The same on every node that has a copy, but for `election`. */
export function gatewayView(intent: Intent, router: Router, self: Node): GatewayView | undefined {
  const { id, gateway } = router;
  const given = intent.gateways.get(id);
  if (gateway === undefined || given === undefined) return undefined;
  const { network, node, mac, addresses, snatPorts } = given;
  const portForwardings = placedPortForwardings(intent, router, given).flatMap(({ view }) => view ?? []);
  const election = electionView(intent, router, self);
  return {
    network,
    snat: gateway.snat,
    snatPath: gateway.snatPath,
    ...(node === undefined ? {} : { node }),
    ...(election === undefined ? {} : { election }),
    mac,
    addresses,
    snatPorts,
    ...(portForwardings.length === 0 ? {} : { portForwardings }),
  };
}

/** Only candidates must know who has a voice: a new copy elsewhere is no news to all the others. */
function electionView(intent: Intent, router: Router, self: Node): GatewayView['election'] {
  const candidates = snatNodesOf(intent, intent.gateways.get(router.id));
  if (candidates.length < 2) return undefined;
  return { candidates, nodes: candidates.includes(self.name) ? nodesOfRouter(intent, router) : [] };
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
