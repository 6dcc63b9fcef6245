/** Addresses of external networks: what gateways, floating IPs and nodes have there, and what is left. */
import { compareIps, familyOf, hostNumber, nthHost, sizeOf, type IpAddress, type IpFamily } from '../../model/addresses.js';
import { DvrError } from '../../model/errors.js';
import { whyNotExternalIp } from '../../model/external-ip.js';
import type { ExternalNetworkIntent, ExternalSubnet } from '../../model/resources.js';

/** The addresses of one external network while a command works on it. */
export class ExternalIpPool {
  private readonly owners = new Map<IpAddress, string>();
  /** Where the search of each subnet goes on: within one command nothing is given back. */
  private readonly nextHost = new Map<ExternalSubnet, bigint>();

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
    const pools = subnets.map(({ cidr, pool }) =>
      pool === undefined ? cidr : `${pool.first}-${pool.last}`,
    );
    throw new DvrError(
      'DVR_ADDRESSES_EXHAUSTED',
      `${owner}: no address is free in ${pools.join(' and ')} of network ${this.network.name}`,
      'widen the pool, or take gateways and floating IPs away that are not used',
    );
  }

  /** Ends after as many steps as addresses are taken, however large the subnet is. */
  private lowestFreeOf(subnet: ExternalSubnet): IpAddress | undefined {
    const { cidr, pool } = subnet;
    const first = pool === undefined ? 1n : hostNumber(cidr, pool.first);
    for (let n = this.nextHost.get(subnet) ?? first; n < sizeOf(cidr); n++) {
      const ip = nthHost(cidr, n);
      if (ip === undefined || (pool !== undefined && compareIps(ip, pool.last) > 0)) return undefined;
      if (this.owners.has(ip) || whyNotExternalIp(ip, this.network) !== undefined) continue;
      this.nextHost.set(subnet, n + 1n);
      return ip;
    }
    return undefined;
  }
}
