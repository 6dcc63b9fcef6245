/** What our namespaces have to know of an external network: its subnets, and the routers beyond it. Pure. */
import {
  familyOf, isInCidr, parseIp, prefixAround, withoutPrefix, type InterfaceAddress, type IpFamily,
} from '../model/addresses.js';
import type { ExternalNetworkView, NodeView, RouterView, SubnetView } from '../model/node-view.js';
import type { Route } from './namespace.js';

/** Whether one of the subnets holds the address. */
export const isIn = (ip: string, subnets: readonly Pick<SubnetView, 'cidr'>[]): boolean =>
  subnets.some(({ cidr }) => isInCidr(ip, cidr));

/** Default routes by the provider's routers, one a family, which is to be one that the device has an address of. */
export function defaultRoutes(
  { subnets }: ExternalNetworkView, device: string, addresses: readonly string[], table?: number,
): Route[] {
  return ([4, 6] as const).flatMap((family): Route[] => {
    const own = ipsOf(addresses, family);
    const reachable = subnets.filter(({ gatewayIp }) => familyOfText(gatewayIp) === family);
    const near = reachable.find(({ cidr }) => own.some((ip) => isInCidr(ip, cidr))) ?? reachable[0];
    if (near?.gatewayIp === undefined || own.length === 0) return [];
    const destination = family === 4 ? '0.0.0.0/0' : '::/0';
    return [{ destination, via: near.gatewayIp, device, ...(table === undefined ? {} : { table }) }];
  });
}

/** A default route that is asked for stands in the place of the provider's. */
export const withDefaults = (asked: readonly Route[], defaults: readonly Route[]): Route[] =>
  [...asked, ...defaults.filter(({ destination }) => !asked.some((one) => one.destination === destination))];

/** The router's routes whose next hop is in the network that its gateway is in. */
export function routesOutside(
  { routes, gateway }: RouterView, { externalNetworks = [] }: Pick<NodeView, 'externalNetworks'>,
): RouterView['routes'] {
  const subnets = externalNetworks.find(({ name }) => name === gateway?.network)?.subnets ?? [];
  return routes.filter(({ via }) => isIn(via, subnets));
}

/** The network's other subnets are on the same wire. */
export function onLinkRoutes({ subnets }: ExternalNetworkView, device: string, addresses: readonly string[]): Route[] {
  const own = new Set<string>(addresses.map((address) => prefixAround(address as InterfaceAddress)));
  return subnets.filter(({ cidr }) => !own.has(cidr) && ipsOf(addresses, cidr.includes(':') ? 6 : 4).length > 0)
    .map(({ cidr }) => ({ destination: cidr, device }));
}

export const ipsOf = (addresses: readonly string[], family: IpFamily): string[] =>
  addresses.map((address) => withoutPrefix(address as InterfaceAddress)).filter((ip) => familyOf(ip) === family);

function familyOfText(text: string | undefined): IpFamily | undefined {
  const ip = text === undefined ? undefined : parseIp(text);
  return ip && familyOf(ip);
}
