/** The seed's picture with a way out, for the tests of what lies outside. */
import type { ControllerState } from '../../../src/controller/intent.js';
import { emptyState } from '../../../src/controller/intent.js';
import { viewsOf, type ViewContent } from '../../../src/controller/views.js';
import type { FloatingIpView, GatewayView } from '../../../src/model/node-view.js';
import { apply, bind, run } from './support.js';

/** cn2 has no uplink; nn1 and nn2 may do source NAT. */
export const externalText = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes:
  cn1: { vtep: 172.16.0.11, provider: { physnet1: ex0 } }
  cn2: { vtep: 172.16.0.12 }
  nn1: { vtep: 172.16.0.21, provider: { physnet1: ex0 }, network_node: true }
  nn2: { vtep: 172.16.0.22, provider: { physnet1: ex0 }, network_node: true }
networks:
  red:   { vni: 101, subnets: [10.1.0.0/24] }
  green: { vni: 102, subnets: [10.2.0.0/24] }
external_networks:
  ext: { physical_network: physnet1, vlan: 500, subnets: [{ cidr: 203.0.113.0/24, pool: 203.0.113.20-203.0.113.99 }] }
routers:
  r1: { networks: [red, green], gateway: { network: ext, ip: 203.0.113.60 } }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ip: 10.2.0.14 }
floating_ips:
  203.0.113.101: { port: vm1 }
  203.0.113.102: { port: vm2 }
`;

export const binds = [
  bind('vm1', 'cn1'),
  bind('vm2', 'cn2'),
  bind('vm3', 'cn2'),
  bind('vm4', 'cn1'),
] as const;

/** All VMs bound where they belong. */
export const externalState = (text = externalText): ControllerState =>
  run(emptyState, apply(text), ...binds);

export function viewOf(state: ControllerState, node: string): ViewContent {
  const view = viewsOf(state.intent).content.get(node);
  if (view === undefined) throw new Error(`no view of ${node}`);
  return view;
}

export function gatewayOn(state: ControllerState, node: string, router = 'r1'): GatewayView {
  const gateway = viewOf(state, node).routers.find(({ id }) => id === router)?.gateway;
  if (gateway === undefined) throw new Error(`no gateway of ${router} on ${node}`);
  return gateway;
}

/** Which node does which floating IP, as "IP@NODE placement", over all views. */
export const floatingOn = (state: ControllerState): string[] =>
  [...viewsOf(state.intent).content].flatMap(([node, { routers }]) =>
    routers.flatMap(({ floatingIps = [] }) =>
      floatingIps.map(({ ip, placement }: FloatingIpView) => `${ip}@${node} ${placement}`),
    ),
  ).sort();
