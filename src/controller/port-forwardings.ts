/** What routers forward by port, as it is now: from which address, and to which. */
import { familyOf, withoutPrefix } from '../model/addresses.js';
import { fixedIpOf } from '../model/external-ip.js';
import type { PortForwardingView } from '../model/node-view.js';
import { remembered } from '../model/remembered.js';
import type { FloatingIp, Gateway, PortForwarding, Router } from '../model/resources.js';
import type { Intent } from './intent.js';

export interface PlacedPortForwarding {
  readonly forwarding: PortForwarding;
  /** Absent: the gateway has no IPv4 address. */
  readonly externalIp?: string;
  /** Absent: the port has gone, or has the address no more. */
  readonly view?: PortForwardingView;
}

/** Of one router, in the order of the file. @param gateway what the router was given. */
export function placedPortForwardings(
  intent: Intent,
  { portForwardings }: Router,
  gateway: Gateway,
): readonly PlacedPortForwarding[] {
  const own = gateway.addresses.map(withoutPrefix).find((ip) => familyOf(ip) === 4);
  return portForwardings.map((forwarding) => {
    const { protocol, externalPort, internalPort, floatingIp, port, fixedIp: wish } = forwarding;
    const externalIp = floatingIp ?? own;
    const fixedIp = fixedIpOf(intent.ports.get(port)?.ips ?? [], wish);
    if (externalIp === undefined) return { forwarding };
    if (fixedIp === undefined) return { forwarding, externalIp };
    return { forwarding, externalIp, view: { protocol, externalIp, externalPort, fixedIp, internalPort } };
  });
}

/** The ports that some router forwards to. */
export const forwardedPorts = ({ routers }: Intent): ReadonlySet<string> => forwardedBy(routers);

const forwardedBy = remembered((routers: Intent['routers']): ReadonlySet<string> =>
  new Set([...routers.values()].flatMap(({ portForwardings }) => portForwardings.map(({ port }) => port))));

/** The router that forwards single ports of a floating IP which nobody has. */
export const forwardingRouter = ({ routers }: Intent, { ip, network }: FloatingIp): Router | undefined =>
  [...routers.values()].find(({ gateway, portForwardings }) =>
    gateway?.network === network && portForwardings.some(({ floatingIp }) => floatingIp === ip));
