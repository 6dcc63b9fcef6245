/** Addresses of external networks: what gateways, floating IPs and nodes have there, and what is left. */
import { familyOf, type IpAddress, type IpFamily } from '../../model/addresses.js';
import { DvrError } from '../../model/errors.js';
import { whyNotExternalIp } from '../../model/external-ip.js';
import type { ExternalNetworkIntent, ExternalSubnet } from '../../model/resources.js';
import { HostSearch } from './lowest-host.js';

/** The addresses of one external network while a command works on it. */
export class ExternalIpPool {
  private readonly owners = new Map<IpAddress, string>();
  private readonly search = new HostSearch();

  constructor(private readonly network: ExternalNetworkIntent) {}

  /** @throws DvrError DVR_ADDRESS_IN_USE where another owner has it. */
  claim(ip: IpAddress, owner: string): void {
    const other = this.owners.get(ip);
    if (other !== undefined && other !== owner)
      throw new DvrError(
        'DVR_ADDRESS_IN_USE',
        `${owner}: ${ip} in network ${this.network.name} is the address of ${other}`,
        'choose another address',
      );
    this.owners.set(ip, owner);
  }

  /** As claim, for what is given out already. */
  hold(ip: IpAddress, owner: string): void {
    this.owners.set(ip, owner);
  }

  /** Whether `owner` could claim it, and something of ours may have it at all. */
  isFree(ip: IpAddress, owner: string): boolean {
    return (
      whyNotExternalIp(ip, this.network) === undefined && (this.owners.get(ip) ?? owner) === owner
    );
  }

  /** The lowest free one of the family's pools. @throws DvrError DVR_ADDRESSES_EXHAUSTED */
  allocate(family: IpFamily, owner: string): IpAddress {
    const subnets = this.network.subnets.filter(({ cidr }) => familyOf(cidr) === family);
    for (const subnet of subnets) {
      const ip = this.lowestFreeOf(subnet);
      if (ip === undefined) continue;
      this.owners.set(ip, owner);
      return ip;
    }
    const pools = subnets.flatMap(({ cidr, pools: ranges }) =>
      ranges === undefined ? [cidr] : ranges.map(({ first, last }) => `${first}-${last}`),
    );
    throw new DvrError(
      'DVR_ADDRESSES_EXHAUSTED',
      `${owner}: no address is free in ${pools.join(' and ')} of network ${this.network.name}`,
      'widen the pool, or take gateways and floating IPs away that are not used',
    );
  }

  private lowestFreeOf(subnet: ExternalSubnet): IpAddress | undefined {
    return this.search.lowestFree(
      subnet,
      (ip) => this.owners.has(ip) || whyNotExternalIp(ip, this.network) !== undefined,
    );
  }
}
