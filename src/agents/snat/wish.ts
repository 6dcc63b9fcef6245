/** What the SNAT agent is to do on this node: which elections it takes part in, and with what. Pure, from the view. */
import { familyOf, parseIp } from '../../model/addresses.js';
import type { ExternalNetworkView, GatewayView, NodeView, RouterView } from '../../model/node-view.js';
import { fipNamespaceName, snatNamespaceName } from '../../namespaces/names.js';
import { netnsPath } from '../../namespaces/netns-path.js';
import { gatedPorts, standsBy, wiredNetworks } from '../outside-devices.js';
import type { Electorate } from './election.js';

/** More votes make no election safer, only slower. */
export const kMaxVoters = 15;

/** A router whose SNAT namespace is ready on this node. */
export interface Stand {
  /** Devices of the dataplane that pass nothing without a majority. */
  readonly gates: readonly string[];
  readonly netns: string;
  /** What must answer, and from where it is asked while another node is at work: the gateway address is that one's. */
  readonly proof?: { readonly target: string; readonly standbyNetns: string };
}

export interface Entry extends Electorate { readonly stand?: Stand }

export interface SnatWish {
  readonly node: string;
  readonly vtepIp: string;
  /** VTEP addresses by node. */
  readonly peers: Readonly<Record<string, string>>;
  readonly entries: readonly Entry[];
}

export function snatWish(view: NodeView): SnatWish {
  return {
    node: view.node.name,
    vtepIp: view.node.vtepIp,
    peers: Object.fromEntries(view.peers.filter(({ interop }) => !interop).map(({ name, vtepIp }) => [name, vtepIp])),
    entries: view.routers.flatMap((router) => entryOf(router, view) ?? []),
  };
}

function entryOf(router: RouterView, view: NodeView): Entry | undefined {
  const election = router.gateway?.election;
  if (election === undefined) return undefined;
  const voices = [...new Set([...election.candidates, ...election.nodes])];
  const gateway = standsBy(router, view);
  const outside = wiredNetworks(view).find(({ name }) => name === gateway?.network);
  return {
    router: router.id, candidates: election.candidates,
    voters: voices.slice(0, kMaxVoters), listeners: voices.slice(kMaxVoters),
    ...(gateway === undefined || outside === undefined ? {} : { stand: standOf(router, gateway, outside) }),
  };
}

function standOf(router: RouterView, gateway: GatewayView, outside: ExternalNetworkView): Stand {
  const target = outside.subnets.flatMap(({ gatewayIp }) => parseIp(gatewayIp ?? '') ?? []).find((ip) => familyOf(ip) === 4);
  return {
    gates: gatedPorts(router, gateway), netns: netnsPath(snatNamespaceName(router.id)),
    ...(target === undefined ? {} : { proof: { target, standbyNetns: netnsPath(fipNamespaceName(outside.name)) } }),
  };
}
