/** Which addresses of an external network may be given to something of ours: for files and for allocation alike. */
import {
  broadcastAddress,
  contains,
  familyOf,
  networkAddress,
  type Cidr,
  type IpAddress,
  type IpFamily,
} from './addresses.js';
import type { ExternalNetworkIntent, ExternalSubnet } from './resources.js';

type Outside = Pick<ExternalNetworkIntent, 'name' | 'subnets'>;

/** Why the address can be neither a gateway's nor a floating IP, as a sentence; undefined where it can. */
export function whyNotExternalIp(ip: IpAddress, network: Outside): string | undefined {
  const subnet = subnetOf(network, ip);
  if (subnet === undefined) {
    const cidrs = network.subnets.map(({ cidr }) => cidr).join(' and ');
    return `${ip} is outside ${cidrs} of network ${network.name}`;
  }
  if (ip === subnet.gatewayIp) return `${ip} is the upstream gateway of ${subnet.cidr}`;
  if (ip === networkAddress(subnet.cidr)) return `${ip} is the network address of ${subnet.cidr}`;
  if (ip === broadcastAddress(subnet.cidr))
    return `${ip} is the broadcast address of ${subnet.cidr}`;
  return undefined;
}

/** The subnet that holds the address. */
export function subnetOf({ subnets }: Outside, ip: IpAddress): ExternalSubnet | undefined {
  return subnets.find(({ cidr }) => contains(cidr, ip));
}

/** The prefix of an address that the network has. */
export function cidrAround(network: Outside, ip: IpAddress): Cidr {
  const subnet = subnetOf(network, ip);
  if (subnet === undefined) throw new Error(`${ip} is in no subnet of ${network.name}`);
  return subnet.cidr;
}

/** The address families that the network speaks. */
export function familiesOf({ subnets }: Outside): readonly IpFamily[] {
  return [...new Set(subnets.map(({ cidr }) => familyOf(cidr)))].sort();
}

/** The address of a port that an outside one stands for: the wished, or its first of IPv4; undefined where it has that not. */
export function fixedIpOf(ips: readonly IpAddress[], wish: IpAddress | undefined): IpAddress | undefined {
  return ips.find((ip) => (wish === undefined ? familyOf(ip) === 4 : ip === wish));
}
