/** The addresses of external networks while a command works on them. */
import type { Name } from '../model/identifiers.js';
import type { ExternalNetworkIntent, GatewayIntent, Router } from '../model/resources.js';
import { ExternalIpPool } from './allocators/external-ip.js';
import { gatewayOwner } from './gateway-names.js';
import type { Intent } from './intent.js';

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
