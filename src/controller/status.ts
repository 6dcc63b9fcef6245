/** What `dvr status` and the lists show: the intent, and how far the nodes have come with it. */
import type { Winners } from '../model/elected.js';
import type { PortReport, RouterReport } from '../model/node-view.js';
import type { MadeBy, Network, Node, Port, Router } from '../model/resources.js';
import type { RoutingMode } from '../model/routing.js';
import type { Controller } from './controller.js';
import type { StoreStatus } from './store/kept-intent.js';
import {
  externalNetworkStatuses,
  floatingIpStatuses,
  gatewayStatus,
  type ExternalNetworkStatus,
  type FloatingIpStatus,
  type GatewayStatus,
} from './external-status.js';
import { heldAddresses } from './address-holders.js';
import { byName } from './intent.js';
import { recordOf } from './records.js';
import { nodesOfRouter } from './router-copies.js';
import { networkMtu } from './network-views.js';
import { winnersOf } from './winners.js';

export interface NodeStatus {
  readonly name: string;
  readonly vtepIp: string;
  readonly dvrMac: string;
  readonly connected: boolean;
  /** What the agent has applied; absent until it has reported. */
  readonly generation?: number;
  readonly viewGeneration: number;
  readonly ports: readonly PortReport[];
  /** Which way each router's traffic takes there, and why. */
  readonly routers: readonly RouterReport[];
  readonly errors: readonly { readonly code: string; readonly message: string }[];
}

export interface NetworkStatus {
  readonly name: string;
  readonly vni: number;
  readonly mtuBytes: number;
  readonly subnets: readonly { readonly cidr: string; readonly gatewayIp?: string }[];
}

export interface RouterStatus {
  readonly id: string;
  /** Nodes that hold a copy. */
  readonly nodes: readonly string[];
  readonly interfaces: readonly {
    readonly network: string;
    readonly mac: string;
    readonly addresses: readonly string[];
  }[];
  readonly routes: readonly { readonly destination: string; readonly via: string }[];
  readonly routing: RoutingMode;
  readonly gateway?: GatewayStatus;
}

export interface PortStatus {
  readonly name: string;
  /** Its UUID in the Networking API. */
  readonly id: string;
  readonly network: string;
  /** Where it is bound. */
  readonly node?: string;
  /** Where it is on its way to. */
  readonly migratingTo?: string;
  /** Addresses of its allowed pairs that it was the last to announce. */
  readonly holds?: readonly string[];
  readonly mac: string;
  readonly ips: readonly string[];
  readonly allowedAddressPairs: readonly { readonly ip: string; readonly mac?: string }[];
  readonly portSecurity: boolean;
  readonly madeBy: MadeBy;
  readonly attachment?: { readonly netns?: string; readonly pid?: number; readonly ifname: string };
  /** `pending`: bound, and the node has not said anything of it yet. */
  readonly state: 'unbound' | 'pending' | PortReport['state'];
  readonly error?: string;
}

export interface Status {
  readonly generation: number;
  readonly store: StoreStatus;
  /** Every node of the topology is connected and has applied the latest that it was told. */
  readonly converged: boolean;
  readonly nodes: readonly NodeStatus[];
  readonly networks: readonly NetworkStatus[];
  readonly externalNetworks: readonly ExternalNetworkStatus[];
  readonly routers: readonly RouterStatus[];
  readonly ports: readonly PortStatus[];
  readonly floatingIps: readonly FloatingIpStatus[];
}

export type IsConnected = (node: string) => boolean;

export function statusOf(controller: Controller, isConnected: IsConnected): Status {
  const { intent } = controller;
  const nodes = byName(intent.nodes).map((node) => nodeStatus(controller, node, isConnected));
  const winners = currentWinners(controller, isConnected);
  return {
    generation: intent.generation,
    store: controller.store,
    converged:
      nodes.length > 0 &&
      nodes.every((node) => node.connected && (node.generation ?? 0) >= node.viewGeneration),
    nodes,
    networks: byName(intent.networks).map((network) => networkStatus(controller, network)),
    externalNetworks: externalNetworkStatuses(intent),
    routers: byName(intent.routers).map((router) => routerStatus(controller, router, winners)),
    ports: byName(intent.ports).map((port) => portStatus(controller, port)),
    floatingIps: floatingIpStatuses(intent, winners),
  };
}

/** Who has been elected, by what connected nodes say: the others' reports are of before. */
export function currentWinners({ state }: Controller, isConnected: IsConnected): Winners {
  return winnersOf([...state.reports.values()].filter(({ node }) => isConnected(node)));
}

function nodeStatus(
  controller: Controller,
  { name, vtepIp, dvrMac }: Node,
  isConnected: IsConnected,
): NodeStatus {
  const report = controller.state.reports.get(name);
  return {
    name,
    vtepIp,
    dvrMac,
    connected: isConnected(name),
    ...(report === undefined ? {} : { generation: report.generation }),
    viewGeneration: controller.view(name)?.generation ?? 0,
    ports: report?.ports ?? [],
    routers: report?.routers ?? [],
    errors: report?.errors ?? [],
  };
}

function networkStatus(controller: Controller, network: Network): NetworkStatus {
  return {
    name: network.name,
    vni: network.vni,
    mtuBytes: networkMtu(controller.intent, network),
    subnets: network.subnets,
  };
}

function routerStatus(controller: Controller, router: Router, winners: Winners): RouterStatus {
  const gateway = gatewayStatus(controller.intent, router, winners);
  return {
    id: router.id,
    nodes: nodesOfRouter(controller.intent, router),
    interfaces: router.interfaces,
    routes: router.routes,
    routing: router.routing,
    ...(gateway === undefined ? {} : { gateway }),
  };
}

export function portStatus(controller: Controller, port: Port): PortStatus {
  const { binding } = port;
  const report =
    binding === undefined
      ? undefined
      : controller.state.reports.get(binding.node)?.ports.find(({ name }) => name === port.name);
  const holds = heldAddresses(controller.intent).get(port.network)?.get(port.name);
  return {
    name: port.name,
    id: recordOf(controller.intent, 'port', port.name)?.id ?? '',
    network: port.network,
    ...(binding === undefined ? {} : { node: binding.node }),
    ...(binding?.migration === undefined ? {} : { migratingTo: binding.migration.to }),
    ...(holds === undefined ? {} : { holds: holds.map(({ ip }) => ip) }),
    mac: port.mac,
    ips: port.ips,
    allowedAddressPairs: port.allowedAddressPairs,
    portSecurity: port.portSecurity,
    madeBy: port.madeBy,
    ...(binding?.attachment === undefined ? {} : { attachment: binding.attachment }),
    state: binding === undefined ? 'unbound' : (report?.state ?? 'pending'),
    ...(report?.error === undefined ? {} : { error: report.error }),
  };
}
