/** The way out, as `dvr status` shows it: what was declared, and who does it now. */
import type { Winners } from '../model/elected.js';
import type { SnatPath } from '../model/node-view.js';
import type { FloatingIp, Placement, Router } from '../model/resources.js';
import { hasUplinkTo } from '../model/uplinks.js';
import { placedFloatingIps } from './floating-ips.js';
import { floatingIpKey } from './gateway-names.js';
import { byName, type Intent } from './intent.js';
import { forwardingRouter, placedPortForwardings } from './port-forwardings.js';
import { snatNodesOf } from './snat-nodes.js';

export interface ExternalNetworkStatus {
  readonly name: string;
  readonly physicalNetwork: string;
  readonly vlan?: number;
  readonly mtuBytes: number;
  readonly subnets: readonly { readonly cidr: string; readonly gatewayIp?: string }[];
  /** The nodes that are plugged in, and their own addresses there. */
  readonly uplinks: readonly { readonly node: string; readonly addresses: readonly string[] }[];
}

export interface GatewayStatus {
  readonly network: string;
  readonly addresses: readonly string[];
  readonly snat: boolean;
  readonly snatPath: SnatPath;
  /** Absent: nobody does it, and what has no floating IP cannot get out. */
  readonly node?: string;
  /** Those that could take over by themselves. */
  readonly standby: readonly string[];
  readonly portForwardings: readonly PortForwardingStatus[];
}

export interface PortForwardingStatus {
  readonly protocol: string;
  /** Absent: the gateway has no IPv4 address. */
  readonly externalIp?: string;
  readonly externalPort: number;
  readonly port: string;
  /** Absent: the port has gone, or has the address no more. */
  readonly fixedIp?: string;
  readonly internalPort: number;
}

export interface FloatingIpStatus {
  readonly ip: string;
  readonly network: string;
  /** Absent: it is only kept, or, where there is a router, forwarded from port by port. */
  readonly port?: string;
  /** Absent with a port: the port has gone, or has the address no more. */
  readonly fixedIp?: string;
  readonly router?: string;
  /** What is done now, where the file's wish is only a wish. */
  readonly placement?: Placement;
  readonly node?: string;
}

export function externalNetworkStatuses(intent: Intent): readonly ExternalNetworkStatus[] {
  return byName(intent.externalNetworks).map((network) => ({
    ...network,
    uplinks: byName(intent.nodes)
      .filter((node) => hasUplinkTo(node, network.physicalNetwork))
      .map(({ name }) => ({
        node: name,
        addresses: byName(intent.fgPorts)
          .filter((port) => port.node === name && port.network === network.name)
          .flatMap(({ addresses }) => addresses),
      })),
  }));
}

/** Undefined for a router without a gateway. */
export function gatewayStatus(intent: Intent, router: Router, winners: Winners): GatewayStatus | undefined {
  const { id, gateway } = router;
  const given = intent.gateways.get(id);
  if (gateway === undefined || given === undefined) return undefined;
  const candidates = snatNodesOf(intent, given);
  const node = ownerOf(intent, id, winners);
  return {
    network: given.network,
    addresses: given.addresses,
    snat: gateway.snat,
    snatPath: gateway.snatPath,
    ...doneOn(node),
    standby: candidates.filter((name) => name !== node),
    portForwardings: placedPortForwardings(intent, router, given).map(
      ({ forwarding: { protocol, externalPort, port, internalPort }, externalIp, view }) => ({
        protocol,
        externalPort,
        port,
        internalPort,
        ...(externalIp === undefined ? {} : { externalIp }),
        ...(view === undefined ? {} : { fixedIp: view.fixedIp }),
      }),
    ),
  };
}

/** Who does the router's source NAT. Where there is a choice it is the nodes'; else nobody has to say. */
function ownerOf(intent: Intent, router: string, winners: Winners): string | undefined {
  const candidates = snatNodesOf(intent, intent.gateways.get(router));
  return candidates.length > 1 ? candidates.find((name) => name === winners[router]) : candidates[0];
}

export function floatingIpStatuses(intent: Intent, winners: Winners): readonly FloatingIpStatus[] {
  return byName(intent.floatingIps).map((floatingIp) => floatingIpStatus(intent, floatingIp, winners));
}

function floatingIpStatus(intent: Intent, floatingIp: FloatingIp, winners: Winners): FloatingIpStatus {
  const { ip, network, port } = floatingIp;
  if (port === undefined) {
    const router = forwardingRouter(intent, floatingIp);
    return { ip, network, ...(router === undefined ? {} : { router: router.id, ...doneOn(ownerOf(intent, router.id, winners)) }) };
  }
  const placed = placedFloatingIps(intent).byKey.get(floatingIpKey(floatingIp));
  const isCentral = placed?.view.placement === 'central';
  return {
    ip,
    network,
    port,
    ...(placed === undefined
      ? {}
      : { fixedIp: placed.view.fixedIp, router: placed.router, placement: placed.view.placement }),
    ...doneOn(isCentral ? ownerOf(intent, placed.router, winners) : placed?.node),
  };
}

/** Nothing, rather than undefined, where nobody does it. */
const doneOn = (node: string | undefined): { readonly node?: string } => (node === undefined ? {} : { node });
