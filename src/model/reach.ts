/** Which router an outside address takes to a port: the one place that says so, for files and for views. */
import {
  contains,
  familyOf,
  prefixAround,
  withoutPrefix,
  type IpAddress,
} from './addresses.js';
import type { Name } from './identifiers.js';
import type { RouterIntent, Subnet } from './resources.js';

export interface Destination {
  readonly network: Name;
  readonly subnets: readonly Subnet[];
  /** Unknown before it is allocated: then any IPv4 subnet of the network may hold it. */
  readonly fixedIp: IpAddress | undefined;
}

export type Reach<Router> = (external: Name, destination: Destination) => Router | undefined;

/**
 * Finds the router with a gateway in `external` that has an interface in the destination's subnet. Where
 * several have, it is the one that the port's answers go to: the subnet's gateway.
 */
export function reachOf<Router extends RouterIntent>(routers: Iterable<Router>): Reach<Router> {
  const joining = new Map<string, Router[]>();
  for (const router of routers) {
    for (const { network } of router.gateway === undefined ? [] : router.interfaces) {
      const key = `${router.gateway?.network}/${network}`;
      joining.set(key, [...(joining.get(key) ?? []), router]);
    }
  }
  return (external, destination) => {
    const reaching = (joining.get(`${external}/${destination.network}`) ?? []).filter(
      (router) => addressesToward(router, destination).length > 0,
    );
    return reaching.find((router) => isGatewayOf(router, destination)) ?? reaching[0];
  };
}

function addressesToward(
  { interfaces }: RouterIntent,
  { network, fixedIp }: Destination,
): readonly IpAddress[] {
  return interfaces
    .filter((one) => one.network === network)
    .flatMap(({ addresses }) => addresses)
    .filter((address) =>
      fixedIp === undefined
        ? familyOf(withoutPrefix(address)) === 4
        : contains(prefixAround(address), fixedIp),
    )
    .map(withoutPrefix);
}

function isGatewayOf(router: RouterIntent, destination: Destination): boolean {
  const own = addressesToward(router, destination);
  return destination.subnets.some(({ gatewayIp }) => gatewayIp !== undefined && own.includes(gatewayIp));
}
