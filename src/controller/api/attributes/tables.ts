/** The attribute tables of all resources, by their plural. */
import type { CreateValues, UpdateValues } from '../attribute.js';
import { floatingIpAttributes } from './floating-ips.js';
import { networkAttributes } from './networks.js';
import { portForwardingAttributes } from './port-forwardings.js';
import { portAttributes } from './ports.js';
import { routerAttributes } from './routers.js';
import { subnetAttributes } from './subnets.js';

/** What clients make and change. */
export const tables = {
  networks: networkAttributes,
  subnets: subnetAttributes,
  ports: portAttributes,
  routers: routerAttributes,
  floatingips: floatingIpAttributes,
  port_forwardings: portForwardingAttributes,
} as const;

export type Plural = keyof typeof tables;

export const singulars = {
  networks: 'network',
  subnets: 'subnet',
  ports: 'port',
  routers: 'router',
  floatingips: 'floatingip',
  port_forwardings: 'port_forwarding',
} as const satisfies Readonly<Record<Plural, string>>;

/** What a parsed POST says of a new resource: `Create<'networks'>`. */
export type Create<Of extends Plural> = CreateValues<(typeof tables)[Of]>;
/** What a parsed PUT says is to change. */
export type Update<Of extends Plural> = UpdateValues<(typeof tables)[Of]>;
