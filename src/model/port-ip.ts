/** Which addresses of a network a port may have: the one place that says so, for files and for the API. */
import { broadcastAddress, contains, networkAddress, type IpAddress } from './addresses.js';
import type { NetworkIntent } from './resources.js';

/** Why the address cannot be a port's, as a sentence; undefined where it can. */
export function whyNotPortIp(
  ip: IpAddress,
  network: NetworkIntent,
  routerIps: ReadonlyMap<IpAddress, string>,
): string | undefined {
  const subnet = network.subnets.find(({ cidr }) => contains(cidr, ip));
  if (subnet === undefined) {
    const cidrs = network.subnets.map(({ cidr }) => cidr).join(' and ');
    return `${ip} is outside ${cidrs === '' ? 'every subnet' : cidrs} of network ${network.name}`;
  }
  const router = routerIps.get(ip);
  if (router !== undefined) {
    const what = ip === subnet.gatewayIp ? 'the gateway of' : 'an address in';
    return `${ip} is ${what} ${subnet.cidr}, router ${router}'s`;
  }
  if (ip === subnet.gatewayIp) return `${ip} is the gateway of ${subnet.cidr}`;
  if (ip === networkAddress(subnet.cidr)) return `${ip} is the network address of ${subnet.cidr}`;
  if (ip === broadcastAddress(subnet.cidr))
    return `${ip} is the broadcast address of ${subnet.cidr}`;
  return undefined;
}
