/** Attributes of subnets. */
import { defaulted, optional, required } from '../attribute.js';
import {
  boolean,
  cidr,
  ip,
  ipVersion,
  list,
  nullAs,
  oneOf,
  orNull,
  text,
  uuid,
} from '../kinds/plain.js';
import { noSubnetPool } from '../kinds/absent.js';
import { hostRoutes, nameservers, pools } from '../kinds/subnet-kinds.js';
import { common } from './common.js';

const ipv6Modes = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'] as const;
/** Neutron has three; a list of all devices there could be is long enough. */
const MAX_SERVICE_TYPES = 16;

export const subnetAttributes = {
  ...common,
  network_id: required(uuid, 'FS'),
  ip_version: required(ipVersion, 'FS'),
  cidr: optional(cidr, 'FS', false),
  /** Absent: the first host of IPv4, the prefix's own address of IPv6. null: there is none. */
  gateway_ip: optional(orNull(ip), 'FS', true),
  /** Absent or []: every host but the gateway. */
  allocation_pools: optional(pools, '', true),
  dns_nameservers: defaulted(nameservers, [], '', true),
  host_routes: defaulted(hostRoutes, [], '', true),
  enable_dhcp: defaulted(boolean, true, 'FS', true),
  ipv6_ra_mode: defaulted(orNull(oneOf(ipv6Modes)), null, 'FS', false),
  ipv6_address_mode: defaulted(orNull(oneOf(ipv6Modes)), null, 'FS', false),
  service_types: defaulted(nullAs(list(text(), MAX_SERVICE_TYPES), []), [], '', true),
  subnetpool_id: defaulted(noSubnetPool, null, 'FS', false),
} as const;
