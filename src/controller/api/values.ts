/** Values that are made of several, as requests carry them once they are parsed. */
import type { Cidr, IpAddress, MacAddress } from '../../model/addresses.js';

export const networkTypes = ['vxlan', 'vlan', 'flat'] as const;
export type NetworkType = (typeof networkTypes)[number];

export interface FixedIp {
  readonly subnet_id?: string;
  readonly ip_address?: IpAddress;
}

export interface Pool {
  readonly start: IpAddress;
  readonly end: IpAddress;
}

export interface RouteValue {
  readonly destination: Cidr;
  readonly nexthop: IpAddress;
}

export interface AddressPair {
  readonly ip_address: IpAddress | Cidr;
  readonly mac_address?: MacAddress;
}

export interface GatewayInfo {
  readonly network_id: string;
  readonly enable_snat?: boolean;
  readonly external_fixed_ips?: readonly FixedIp[];
}

export interface SegmentValue {
  readonly 'provider:network_type'?: NetworkType;
  readonly 'provider:physical_network'?: string;
  readonly 'provider:segmentation_id'?: number;
}
