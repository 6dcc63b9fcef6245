/** What of a subnet is given out unasked: the pools a client chose, or all hosts but the gateway. */
import {
  broadcastAddress,
  compareIps,
  contains,
  familyOf,
  hostNumber,
  networkAddress,
  nthHost,
  sizeOf,
  type Cidr,
  type IpAddress,
} from '../../model/addresses.js';
import type { AddressRange, Subnet } from '../../model/resources.js';
import { NeutronFault } from '../api/faults.js';
import type { Pool } from '../api/values.js';

/** All hosts but the gateway, which splits them. */
export function wholeSubnet({ cidr, gatewayIp }: Subnet): readonly AddressRange[] {
  const last = familyOf(cidr) === 4 ? sizeOf(cidr) - 2n : sizeOf(cidr) - 1n;
  const gateway = gatewayIp === undefined ? 0n : hostNumber(cidr, gatewayIp);
  return [rangeOf(cidr, 1n, gateway === 0n ? last : gateway - 1n), rangeOf(cidr, gateway + 1n, last)]
    .slice(gateway === 0n ? 1 : 0)
    .flatMap((range) => range ?? []);
}

function rangeOf(cidr: Cidr, from: bigint, to: bigint): AddressRange | undefined {
  const [first, last] = [nthHost(cidr, from), nthHost(cidr, to)];
  return from > to || first === undefined || last === undefined ? undefined : { first, last };
}

/** @throws NeutronFault */
export function poolsOf(
  wish: readonly Pool[] | undefined,
  cidr: Cidr,
  gatewayIp: IpAddress | undefined,
): Pick<Subnet, 'pools'> {
  if (wish === undefined || wish.length === 0) return {};
  const pools = wish
    .map(({ start, end }) => poolOf(start, end, cidr))
    .sort((left, right) => compareIps(left.first, right.first));
  pools.forEach(({ first, last }, at) => {
    const next = pools[at + 1];
    if (next !== undefined && compareIps(next.first, last) <= 0)
      throw new NeutronFault(
        'OverlappingAllocationPools',
        `Found overlapping allocation pools: ${first}-${last} ${next.first}-${next.last} for subnet ${cidr}.`,
      );
  });
  refuseGatewayInPools(pools, gatewayIp, cidr);
  return { pools };
}

function poolOf(first: IpAddress, last: IpAddress, cidr: Cidr): AddressRange {
  if (familyOf(first) !== familyOf(cidr) || familyOf(last) !== familyOf(cidr) || compareIps(first, last) > 0)
    throw new NeutronFault('InvalidAllocationPool', `The allocation pool ${first}-${last} is not valid.`);
  const isOutside = [first, last].some(
    (ip) => !contains(cidr, ip) || ip === networkAddress(cidr) || ip === broadcastAddress(cidr),
  );
  if (isOutside)
    throw new NeutronFault(
      'OutOfBoundsAllocationPool',
      `The allocation pool ${first}-${last} spans beyond the subnet cidr ${cidr}.`,
    );
  return { first, last };
}

export function refuseGatewayInPools(
  pools: readonly AddressRange[] | undefined,
  gatewayIp: IpAddress | undefined,
  cidr: Cidr,
): void {
  if (gatewayIp === undefined) return;
  const pool = pools?.find(
    ({ first, last }) => compareIps(first, gatewayIp) <= 0 && compareIps(gatewayIp, last) <= 0,
  );
  if (pool !== undefined)
    throw new NeutronFault(
      'GatewayConflictWithAllocationPools',
      `Gateway ip ${gatewayIp} conflicts with allocation pool ${pool.first}-${pool.last} of subnet ${cidr}.`,
    );
}
