/**
 * Every resource of the intent that the Networking API knows, by kind and key: what a client would list, the
 * ports of routers, gateways and floating IPs among it.
 */
import { fipPortName, gatewayPortName, routerPortName, snatPortName } from '../model/device-names.js';
import type { Gateway, Network, ExternalNetworkIntent, Router } from '../model/resources.js';
import { remembered } from '../model/remembered.js';
import type { Intent } from './intent.js';

export const kinds = [
  'network',
  'subnet',
  'port',
  'router',
  'floatingip',
  'port_forwarding',
  'agent',
] as const;
export type Kind = (typeof kinds)[number];

/** Resources of one kind by key; when a value changes, so does the resource's revision. */
export interface Space {
  readonly kind: Kind;
  readonly entries: ReadonlyMap<string, unknown>;
}

/** The same maps as long as what they are made of is the same; always in this order. */
export function spacesOf(intent: Intent): readonly Space[] {
  return [
    { kind: 'network', entries: intent.networks },
    { kind: 'network', entries: intent.externalNetworks },
    { kind: 'subnet', entries: subnets(intent.networks) },
    { kind: 'subnet', entries: subnets(intent.externalNetworks) },
    { kind: 'router', entries: intent.routers },
    { kind: 'floatingip', entries: intent.floatingIps },
    { kind: 'port_forwarding', entries: portForwardings(intent.routers) },
    { kind: 'agent', entries: agents(intent.nodes) },
    { kind: 'port', entries: intent.ports },
    { kind: 'port', entries: routerPorts(intent.routers) },
    { kind: 'port', entries: gatewayPorts(intent.gateways) },
    { kind: 'port', entries: nodePorts(intent.fgPorts) },
    { kind: 'port', entries: floatingPorts(intent.floatingIps) },
  ];
}

type Networks = ReadonlyMap<string, Network | ExternalNetworkIntent>;

const subnets = derived((networks: Networks) =>
  [...networks.values()].flatMap((network) =>
    network.subnets.map((subnet) => [subnetKey(network.name, subnet.cidr), subnet]),
  ),
);

const routerPorts = derived((routers: ReadonlyMap<string, Router>) =>
  [...routers.values()].flatMap(({ id, interfaces }) =>
    interfaces.map((one) => [routerPortName(id, one.network), one]),
  ),
);

const portForwardings = derived((routers: ReadonlyMap<string, Router>) =>
  [...routers.values()].flatMap(({ id, portForwardings: all }) =>
    all.map((one) => [portForwardingKey(id, one), one]),
  ),
);

const gatewayPorts = derived((gateways: ReadonlyMap<string, Gateway>) =>
  [...gateways.values()].flatMap(({ router, mac, addresses, snatPorts }): [string, unknown][] => [
    [gatewayPortName(router), { mac, addresses }],
    ...snatPorts.map((port): [string, unknown] => [snatPortName(router, port.network), port]),
  ]),
);

const nodePorts = derived((fgPorts: Intent['fgPorts']) =>
  [...fgPorts.values()].map((port) => [fgPortName(port.network, port.node), port]),
);

const floatingPorts = derived((floatingIps: Intent['floatingIps']) =>
  [...floatingIps.keys()].map((key) => [floatingPortName(key), key]),
);

const agents = derived((nodes: Intent['nodes']) =>
  [...nodes.keys()].flatMap((node) => agentTypes.map((type) => [agentKey(type, node), node])),
);

export const agentTypes = ['l2', 'l3'] as const;
export type AgentType = (typeof agentTypes)[number];

export const agentKey = (type: AgentType, node: string): string => `${type}/${node}`;
export const subnetKey = (network: string, cidr: string): string => `${network}/${cidr}`;
export const fgPortName = (network: string, node: string): string => `${fipPortName(network)}/${node}`;
/** The place of a floating IP's address among the ports; `key` is that of gateway-names.ts. */
export const floatingPortName = (key: string): string => `fip/${key}`;

type Forwarding = Router['portForwardings'][number];
export const portForwardingKey = (
  router: string,
  { protocol, floatingIp, externalPort }: Pick<Forwarding, 'protocol' | 'floatingIp' | 'externalPort'>,
): string => `${router}/${protocol}/${floatingIp ?? ''}/${externalPort}`;

/** Maps never change, so what was derived from one stays right. */
function derived<Source extends object>(
  derive: (source: Source) => Iterable<readonly [string, unknown]>,
): (source: Source) => ReadonlyMap<string, unknown> {
  return remembered((source) => new Map(derive(source)));
}
