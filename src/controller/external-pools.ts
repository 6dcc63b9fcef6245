/** The addresses of external networks while a command works on them. */
import { withoutPrefix } from '../model/addresses.js';
import type { Name } from '../model/identifiers.js';
import type { ExternalNetworkIntent, GatewayIntent, Router } from '../model/resources.js';
import { ExternalIpPool } from './allocators/external-ip.js';
import { gatewayOwner } from './gateway-names.js';
import { withEntry, type Intent } from './intent.js';

export type WithGateway = Router & { readonly gateway: GatewayIntent };
export type ExternalPools = ReadonlyMap<Name, ExternalIpPool>;

/** Each with what is declared in it: the gateways' addresses, then floating IPs. */
export function externalPools(intent: Intent, routers: readonly WithGateway[]): ExternalPools {
  const pools = new Map<Name, ExternalIpPool>();
  for (const network of intent.externalNetworks.values())
    pools.set(network.name, new ExternalIpPool(network));
  for (const { id, gateway } of routers)
    if (gateway.ip !== undefined) poolOf(pools, gateway.network).claim(gateway.ip, gatewayOwner(id));
  for (const { network, ip } of intent.floatingIps.values())
    poolOf(pools, network).claim(ip, `floating IP ${ip}`);
  return pools;
}

/** The network's addresses with all that is given out: declared, and to gateways and nodes; not those of the router `except`. */
export function externalPoolWithAll(intent: Intent, network: ExternalNetworkIntent, except?: string): ExternalIpPool {
  const routers = [...intent.routers.values()].filter(
    (one): one is WithGateway => one.gateway !== undefined && one.id !== except,
  );
  const known = { ...intent, externalNetworks: withEntry(intent.externalNetworks, network.name, network) };
  const pool = poolOf(externalPools(known, routers), network.name);
  const gateways = [...intent.gateways.values()].filter(({ router }) => router !== except);
  for (const { network: home, addresses } of [...gateways, ...intent.fgPorts.values()])
    if (home === network.name)
      for (const address of addresses) pool.hold(withoutPrefix(address), 'a router or node');
  return pool;
}

export function externalNetworkOf(intent: Intent, name: string): ExternalNetworkIntent {
  const network = intent.externalNetworks.get(name);
  if (network === undefined) throw new Error(`there is no external network ${name}`);
  return network;
}

export function poolOf(pools: ExternalPools, network: Name): ExternalIpPool {
  const pool = pools.get(network);
  if (pool === undefined) throw new Error(`external network ${network} has no address pool`);
  return pool;
}
