/** IP addresses of ports: within one network an address is one port's or one router's. */
import {
  familyOf,
  networkAddress,
  broadcastAddress,
  type Cidr,
  type IpAddress,
  type IpFamily,
} from '../../model/addresses.js';
import { DvrError } from '../../model/errors.js';
import { whyNotPortIp } from '../../model/port-ip.js';
import type { NetworkIntent, RouterIntent, Subnet } from '../../model/resources.js';
import { routerIpsOf } from '../../model/topology-routers.js';
import { HostSearch } from './lowest-host.js';

/** The addresses of one network while a command works on it. */
export class IpPool {
  private readonly routerIps: ReadonlyMap<IpAddress, string>;
  private readonly owners = new Map<IpAddress, string>();
  private readonly search = new HostSearch();

  constructor(
    private readonly network: NetworkIntent,
    routers: readonly RouterIntent[],
  ) {
    this.routerIps = routerIpsOf(routers, network.name);
  }

  /** @throws DvrError DVR_USAGE where no port may have it, DVR_ADDRESS_IN_USE where another one has. */
  claim(ip: IpAddress, port: string): void {
    const why = whyNotPortIp(ip, this.network, this.routerIps);
    if (why !== undefined)
      throw new DvrError(
        'DVR_USAGE',
        `port ${port}: ${why}`,
        'choose another address, or none to have one allocated',
      );
    const other = this.owners.get(ip);
    if (other !== undefined && other !== port) {
      throw new DvrError(
        'DVR_ADDRESS_IN_USE',
        `port ${port}: ${ip} in network ${this.network.name} is port ${other}'s`,
        'choose another address, or none to have one allocated',
      );
    }
    this.owners.set(ip, port);
  }

  /** As claim, for what is the port's already. */
  hold(ip: IpAddress, port: string): void {
    this.owners.set(ip, port);
  }

  ownerOf(ip: IpAddress): string | undefined {
    return this.owners.get(ip);
  }

  /** Whether `port` could claim it. */
  isFree(ip: IpAddress, port: string): boolean {
    return (
      whyNotPortIp(ip, this.network, this.routerIps) === undefined &&
      (this.owners.get(ip) ?? port) === port
    );
  }

  /**
   * The lowest free address of each family the network has, but for what hosts make themselves (slaac).
   * @throws DvrError DVR_ADDRESSES_EXHAUSTED
   */
  allocate(port: string): readonly IpAddress[] {
    const families = new Set(this.givenSubnets().map(({ cidr }) => familyOf(cidr)));
    const ips = [...families].sort().map((family) => this.lowestFree(family, port));
    for (const ip of ips) this.owners.set(ip, port);
    return ips;
  }

  /** The lowest free one of one subnet. @throws DvrError DVR_ADDRESSES_EXHAUSTED */
  allocateIn(cidr: Cidr, owner: string): IpAddress {
    const subnets = this.network.subnets.filter((subnet) => subnet.cidr === cidr);
    const ip = this.lowestFreeIn(subnets, owner);
    this.owners.set(ip, owner);
    return ip;
  }

  private givenSubnets(): readonly Subnet[] {
    return this.network.subnets.filter(({ ipv6 }) => ipv6 !== 'slaac');
  }

  private lowestFree(family: IpFamily, port: string): IpAddress {
    const subnets = this.givenSubnets().filter(({ cidr }) => familyOf(cidr) === family);
    return this.lowestFreeIn(subnets, `port ${port}`);
  }

  private lowestFreeIn(subnets: readonly Subnet[], owner: string): IpAddress {
    for (const subnet of subnets) {
      const ip = this.lowestFreeOf(subnet);
      if (ip !== undefined) return ip;
    }
    const cidrs = subnets.map(({ cidr }) => cidr).join(' and ');
    throw new DvrError(
      'DVR_ADDRESSES_EXHAUSTED',
      `${owner}: no address is free in ${cidrs} of network ${this.network.name}`,
      'delete ports that are not used, or add a subnet',
    );
  }

  private lowestFreeOf(subnet: Subnet): IpAddress | undefined {
    const reserved = [networkAddress(subnet.cidr), broadcastAddress(subnet.cidr), subnet.gatewayIp];
    return this.search.lowestFree(
      subnet,
      (ip) => reserved.includes(ip) || this.routerIps.has(ip) || this.owners.has(ip),
    );
  }
}
