/**
 * The devices by which this node reaches outside the cloud, as pure data from the view: `sg-` and `qg-` where it
 * has a router's SNAT namespace, `fg-` of its FIP namespaces, and the provider's devices themselves.
 *
 *   br-int ─ sg/ROUTER/NETWORK ─ snat-ROUTER ─ qg/ROUTER ─┐
 *            qrouter-ROUTER ═══ fip-NETWORK ─ fg/NETWORK ─┴─ br-ex ─ uplink/PHYSICAL_NETWORK
 */
import { fipPortName, gatewayPortName, snatPortName } from '../model/device-names.js';
import type { NodePortKind } from '../model/node-call.js';
import type { ExternalNetworkView, GatewayView, NodeView, RouterView } from '../model/node-view.js';

export const uplinkPortName = (physicalNetwork: string): string => `uplink/${physicalNetwork}`;

/** What a device is, by the first word of its name. */
export const portKinds: Readonly<Record<string, NodePortKind>> =
  { vm: 'vm', qr: 'router', sg: 'snat', qg: 'gateway', fg: 'fip', uplink: 'uplink' };

export interface OutsideTap {
  readonly name: string; readonly network: string; readonly mtuBytes: number;
  /** Passes nothing unless this node has been elected (snat/election.ts). */
  readonly gated?: true;
}
export interface Uplink { readonly name: string; readonly device: string; readonly mtuBytes: number }

/** External networks that this node has a wire to. */
export const wiredNetworks = (view: NodeView): readonly Wired[] =>
  (view.externalNetworks ?? []).flatMap((network) =>
    (network.uplink === undefined ? [] : [{ ...network, uplink: network.uplink }]));
type Wired = ExternalNetworkView & Required<Pick<ExternalNetworkView, 'uplink'>>;

/** The router's gateway where this node does its source NAT: there it needs a wire. */
export function gatewayHere(router: RouterView, view: NodeView): GatewayView | undefined {
  return router.gateway?.node === view.node.name ? wired(router, view) : undefined;
}

/** The router's gateway where this node has its SNAT namespace: to do the source NAT, or to be ready to. */
export function standsBy(router: RouterView, view: NodeView): GatewayView | undefined {
  const { node, election } = router.gateway ?? {};
  const candidates = election?.candidates ?? [node];
  return candidates.includes(view.node.name) ? wired(router, view) : undefined;
}

function wired({ gateway }: RouterView, view: NodeView): GatewayView | undefined {
  return wiredNetworks(view).some(({ name }) => name === gateway?.network) ? gateway : undefined;
}

/** The devices of a router's SNAT namespace. */
export const gatedPorts = ({ id }: RouterView, { snatPorts }: GatewayView): readonly string[] =>
  [...snatPorts.map(({ network }) => snatPortName(id, network)), gatewayPortName(id)];

export function outsideTaps(view: NodeView): OutsideTap[] {
  const mtuOf = new Map([...view.networks, ...wiredNetworks(view)].map(({ name, mtuBytes }) => [name, mtuBytes]));
  const tap = (name: string, network: string, isGated = false): OutsideTap[] => {
    const mtuBytes = mtuOf.get(network);
    return mtuBytes === undefined ? [] : [{ name, network, mtuBytes, ...(isGated ? { gated: true } : {}) }];
  };
  return [
    ...view.routers.flatMap((router) => {
      const gateway = standsBy(router, view);
      if (gateway === undefined) return [];
      const isGated = gateway.election !== undefined;
      return [
        ...gateway.snatPorts.flatMap(({ network }) => tap(snatPortName(router.id, network), network, isGated)),
        ...tap(gatewayPortName(router.id), gateway.network, isGated),
      ];
    }),
    ...wiredNetworks(view).filter(({ fg }) => fg !== undefined).flatMap(({ name }) => tap(fipPortName(name), name)),
  ];
}

/** One a provider network, whose wire may carry several external networks: the largest of their MTUs. */
export function uplinks(view: NodeView): Uplink[] {
  const found = new Map<string, Uplink>();
  for (const { uplink: { physicalNetwork, device }, mtuBytes } of wiredNetworks(view)) {
    const name = uplinkPortName(physicalNetwork);
    found.set(name, { name, device, mtuBytes: Math.max(mtuBytes, found.get(name)?.mtuBytes ?? 0) });
  }
  return [...found.values()];
}
