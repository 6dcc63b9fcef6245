/** The search both kinds of address pool share: the lowest address of a subnet that nobody has. */
import { hostNumber, nthHost, sizeOf, type IpAddress } from '../../model/addresses.js';
import type { Subnet } from '../../model/resources.js';

export class HostSearch {
  /** Where the search of each subnet goes on: within one command nothing is given back. */
  private readonly nextHost = new Map<Subnet, bigint>();

  /** Ends after as many steps as addresses are taken, however large the subnet is. */
  lowestFree(subnet: Subnet, isTaken: (ip: IpAddress) => boolean): IpAddress | undefined {
    const from = this.nextHost.get(subnet) ?? 0n;
    for (const { first, last } of rangesOf(subnet)) {
      for (let n = first > from ? first : from; n <= last; n++) {
        const ip = nthHost(subnet.cidr, n);
        if (ip === undefined || isTaken(ip)) continue;
        this.nextHost.set(subnet, n + 1n);
        return ip;
      }
    }
    return undefined;
  }
}

/** What may be given out unasked, by host number, the lowest first: the pools, or all but the network's address. */
function rangesOf({ cidr, pools }: Subnet): readonly { readonly first: bigint; readonly last: bigint }[] {
  if (pools === undefined) return [{ first: 1n, last: sizeOf(cidr) - 1n }];
  return pools
    .map(({ first, last }) => ({ first: hostNumber(cidr, first), last: hostNumber(cidr, last) }))
    .sort((left, right) => (left.first < right.first ? -1 : 1));
}
