/**
 * The view as it is once the nodes have chosen: where several can do a router's source NAT, the one at work is
 * put in, and with it the place of the router's `sg-` devices. Everything that is derived follows by itself.
 */
import { snatPortName } from './device-names.js';
import type { NetworkView, NodeView } from './node-view.js';
import { rememberedWith } from './remembered.js';

/** The node that was elected, by router. */
export type Winners = Readonly<Record<string, string>>;

/** A router without a winner is where the controller would begin. */
export function withElected(view: NodeView, winners: Winners): NodeView {
  const moves = new Map<string, [port: string, node: string][]>();
  const routers = view.routers.map((router) => {
    const { gateway } = router;
    const node = winners[router.id];
    if (gateway?.election?.candidates.includes(node ?? '') !== true || node === undefined || node === gateway.node) return router;
    for (const { network } of gateway.snatPorts)
      moves.set(network, [...(moves.get(network) ?? []), [snatPortName(router.id, network), node]]);
    return { ...router, gateway: { ...gateway, node } };
  });
  if (moves.size === 0) return view;
  const networks = view.networks.map((network) => {
    const moved = moves.get(network.name);
    return moved === undefined ? network : withMoved(network, JSON.stringify(moved));
  });
  return { ...view, routers, networks };
}

/** The same object for the same network and moves, for whoever derives from it. */
const withMoved = rememberedWith((network: NetworkView, moves: string): NetworkView => {
  const places = new Map(JSON.parse(moves) as readonly [port: string, node: string][]);
  const ports = network.ports.map((port) => {
    const node = places.get(port.name);
    return node === undefined ? port : { ...port, node };
  });
  return { ...network, ports };
});
