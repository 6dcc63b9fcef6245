import { describe, expect, it } from 'vitest';
import type { MacAddress } from '../../../src/model/addresses.js';
import type { Vni } from '../../../src/model/identifiers.js';
import { allocateDvrMac } from '../../../src/controller/allocators/dvr-mac.js';
import { IpPool } from '../../../src/controller/allocators/ip.js';
import { PortMacPool } from '../../../src/controller/allocators/port-mac.js';
import { allocateVni } from '../../../src/controller/allocators/vni.js';
import { topologyOf } from './support.js';

const mac = (text: string): MacAddress => text as MacAddress;

describe('allocators give the lowest free value', () => {
  it('of DVR MACs', () => {
    expect(allocateDvrMac(new Set([mac('fa:16:3f:00:00:01'), mac('fa:16:3f:00:00:03')]))).toBe(
      'fa:16:3f:00:00:02',
    );
  });

  it('of VNIs', () => {
    expect(allocateVni(new Set([1, 2, 4] as Vni[]))).toBe(3);
  });

  it('of port MACs, passing those that were claimed', () => {
    const pool = new PortMacPool();
    pool.claim(mac('fa:16:3e:00:00:01'), 'port a');
    expect([pool.allocate('port b'), pool.allocate('port c')]).toEqual([
      'fa:16:3e:00:00:02',
      'fa:16:3e:00:00:03',
    ]);
  });

  it('of addresses, one of each family, passing gateway and claimed ones', () => {
    const pool = poolOf('[10.1.0.0/29, "2001:db8::/64"]');
    pool.claim(mac('10.1.0.2') as never, 'a');
    expect(pool.allocate('b')).toEqual(['10.1.0.3', '2001:db8::2']);
  });

  it('of addresses from the next subnet once the first is full', () => {
    const pool = poolOf('[10.1.0.0/30, 10.2.0.0/30]');
    expect([pool.allocate('a'), pool.allocate('b')]).toEqual([['10.1.0.2'], ['10.2.0.2']]);
  });
});

describe('allocators say what is exhausted', () => {
  it.each([
    ['DVR_MAC_EXHAUSTED', () => allocateDvrMac(new Set([mac('fa:16:3f:00:00:01')]), 1)],
    ['DVR_VNI_EXHAUSTED', () => allocateVni(new Set([1] as Vni[]), 1)],
    ['DVR_MAC_EXHAUSTED', () => new PortMacPool(0).allocate('port a')],
    [
      'DVR_ADDRESSES_EXHAUSTED',
      () => {
        const pool = poolOf('[10.1.0.0/30]');
        pool.allocate('a');
        pool.allocate('b');
      },
    ],
  ])('as %s', (code, allocate) => {
    expect(allocate).toThrow(expect.objectContaining({ code }) as Error);
  });
});

it('refuses an address or MAC that another one has, naming both', () => {
  const macs = new PortMacPool();
  macs.claim(mac('fa:16:3e:00:00:01'), 'port a');
  expect(() => macs.claim(mac('fa:16:3e:00:00:01'), 'port b')).toThrow(
    "the MAC fa:16:3e:00:00:01 for port b is port a's",
  );
  const ips = poolOf('[10.1.0.0/24]');
  ips.claim('10.1.0.5' as never, 'a');
  expect(() => ips.claim('10.1.0.5' as never, 'b')).toThrow(
    "port b: 10.1.0.5 in network red is port a's",
  );
});

function poolOf(subnets: string): IpPool {
  const topology = topologyOf(
    `underlay: { cidr: 172.16.0.0/24, mtu: 1600 }\nnodes: { cn1: { vtep: 172.16.0.11 } }\nnetworks: { red: { subnets: ${subnets} } }`,
  );
  const network = topology.networks[0];
  if (network === undefined) throw new Error('no network');
  return new IpPool(network, topology.routers);
}
