/**
 * The view as it is once the nodes have chosen: where several can do a router's source NAT, the one at work is
 * put in, and with it the place of the router's `sg-` devices. Everything that is derived follows by itself.
 */
import type { NodeView } from './node-view.js';
import { snatPortName } from './device-names.js';

/** The node that was elected, by router. */
export type Winners = Readonly<Record<string, string>>;

/** A router without a winner is where the controller would begin. */
export function withElected(view: NodeView, winners: Winners): NodeView {
  const places = new Map<string, string>();
  const routers = view.routers.map((router) => {
    const { gateway } = router;
    const node = winners[router.id];
    if (gateway?.election?.candidates.includes(node ?? '') !== true || node === undefined || node === gateway.node) return router;
    for (const { network } of gateway.snatPorts) places.set(snatPortName(router.id, network), node);
    return { ...router, gateway: { ...gateway, node } };
  });
  if (places.size === 0) return view;
  const networks = view.networks.map((network) => {
    const ports = network.ports.map((port) => {
      const node = places.get(port.name);
      return node === undefined ? port : { ...port, node };
    });
    return { ...network, ports };
  });
  return { ...view, routers, networks };
}
