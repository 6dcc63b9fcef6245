/**
 * The rows of `route`: every router MAC of a network, and the port of this node's copy of that router.
 * Seed steps EW1 ("forwards it to DVR router r1") and EW5 (br-tun knows router MACs by the same rows).
 *
 * A router without a copy here has port 0: its MAC must be known all the same, or a frame from it could
 * cross the wire as anybody's.
 */
import type { Row } from '../../dataplane/rows.js';
import type { NodeView } from '../../model/node-view.js';
import { routerPortName, type LocalIds } from '../local-ids.js';
import type { RouterWays } from './router-ways.js';

/** The row's port where no copy of the router is on this node. */
const kNotHere = 0;

export function routerProgram(view: NodeView, ids: LocalIds, _ways: RouterWays): Row[] {
  return view.networks.flatMap(({ name, routerInterfaces }) => {
    const localVlan = ids.localVlans[name];
    if (localVlan === undefined) return [];
    return routerInterfaces.map(({ routerId, mac }): Row => {
      const port = ids.ports[routerPortName(routerId, name)] ?? kNotHere;
      return { table: 'route', key: { local_vlan: localVlan, mac }, value: { namespace_port: port } };
    });
  });
}
