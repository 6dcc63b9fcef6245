/** Checklist, east-west routing: who routes what where, what stays off the wire, and that bulk data arrives whole. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultTopologyFile } from '../../src/lab/scripts.js';
import { addVm, capture, ifInside, innerOf, names, putTopology, routing, transfer, whole, wire, type Hop, type Names, type Seen } from '../support/cloud.js';
import { checksumsAreRight } from '../support/frames.js';
import { withLab } from '../support/lab.js';

const kGigabyte = 1_000_000_000;
/** A stall is a retransmission timeout that backs off; a busy machine alone stays below it. */
const kStallMs = 3000;
const kNetworkMtu = 1500;
const kEthernetBytes = 14;
/** Outer Ethernet, IPv4, UDP and VXLAN. */
const kOuterBytes = 50;
const qr = (node: string, network: string): Hop => [`dvr-${node}-qrouter-r1`, `qr-${network}`];

describe('routing between subnets', () => {
  const lab = withLab();
  let of: Names;
  beforeAll(async () => { of = await names(); });
  const echoes = (seen: readonly Seen[]): (number | undefined)[] => seen.flatMap(({ ip }) => (ip?.icmp === undefined ? [] : [ip.icmp.type]));

  it('checklist 28: on one node takes one hop off the TTL and puts nothing on the wire', async () => {
    const seen = await capture(lab, { wire, vm4: ['dvr-vm4', 'eth0', 'icmp'] }, async () => { expect(await lab.ping('vm1', '10.2.0.14')).toBe(3); });
    expect(seen.vm4.filter(({ srcMac }) => srcMac !== of.mac('vm4')).map(({ srcMac, ip }) => [srcMac, ip?.ttl]))
      .toEqual(Array.from({ length: 3 }, () => [of.gatewayMac('green'), 63]));
    expect(seen.wire).toEqual([]);
  });

  it('checklist 29: between nodes takes one hop off the TTL; each way has the VNI of the subnet it goes to', async () => {
    const seen = await capture(lab, { wire }, async () => { expect(await lab.ping('vm1', '10.2.0.12', { count: 1 })).toBe(1); });
    expect(seen.wire.map(({ ip }) => [ip?.vxlan?.inner?.ip?.dst, ip?.vxlan?.vni, ip?.vxlan?.inner?.ip?.ttl]))
      .toEqual([['10.2.0.12', 102, 63], ['10.1.0.11', 101, 63]]);
  });

  it('checklist 30: a router\'s copy sees one direction only, that of its own VMs', async () => {
    const seen = await capture(lab, { red1: qr('cn1', 'red'), green1: qr('cn1', 'green'), red2: qr('cn2', 'red'), green2: qr('cn2', 'green') },
      async () => { await lab.ping('vm1', '10.2.0.12', { count: 2 }); });
    expect([echoes(seen.red1), echoes(seen.green1)]).toEqual([ifInside([8, 8]), ifInside([8, 8])]);
    expect([echoes(seen.red2), echoes(seen.green2)]).toEqual([ifInside([0, 0]), ifInside([0, 0])]);
  });

  it('checklist 31: frames of one subnet pass no router, and arrive as they were sent', async () => {
    const seen = await capture(lab, { red1: qr('cn1', 'red'), red2: qr('cn2', 'red'), vm3: ['dvr-vm3', 'eth0', 'icmp'] },
      async () => { await lab.ping('vm1', '10.1.0.13', { count: 1 }); });
    expect(seen.vm3[0]).toMatchObject({ srcMac: of.mac('vm1'), dstMac: of.mac('vm3'), ip: { ttl: 64 } });
    expect([...seen.red1, ...seen.red2]).toEqual([]);
  });

  it('checklist 34: what is routed to another node does not reach that network\'s other VMs here', async () => {
    const seen = await capture(lab, { vm4: ['dvr-vm4', 'eth0'], vm3: ['dvr-vm3', 'eth0'] }, async () => { await lab.ping('vm1', '10.2.0.12'); });
    expect([...seen.vm4, ...seen.vm3]).toEqual([]);
  });

  it('checklist 35: a gigabyte of TCP crosses the nodes whole and without a stall', async () => {
    const { sent, received } = await transfer(lab, 'vm1', 'vm2', '10.2.0.12', kGigabyte, 120_000);
    expect(received).toMatchObject({ bytes: kGigabyte, sha256: sent.sha256 });
    expect(Math.max(sent.worstGapMs, received.worstGapMs)).toBeLessThan(kStallMs);
  }, 150_000);

  it.each([['vm1', '10.2.0.12'], ['vm2', '10.1.0.11'], ['vm1', '10.1.0.13']])('checklist 35: the largest packet of the network passes whole from %s to %s', async (from, to) => {
    expect(await lab.ping(from, to, { args: ['-M', 'do', '-s', '1472'] })).toBe(3);
  });

  it('passes super-frames whole through the router, and cuts them for the wire', async () => {
    // Behind the router: in its namespace, or on br-int where no namespace is crossed.
    const behind: Hop = routing === 'fast' ? ['cn1', 'br-int', 'vlan and tcp'] : ['dvr-cn1-qrouter-r1', 'qr-green', 'tcp'];
    const seen = await capture(lab, {
      behind, wire: ['fabric', 'underlay', 'udp dst port 4789 and src host 172.16.0.11'],
    }, async () => { await transfer(lab, 'vm1', 'vm2', '10.2.0.12', 1_000_000); });
    expect(Math.max(...seen.behind.map(({ bytes }) => bytes))).toBeGreaterThan(kNetworkMtu + kEthernetBytes);
    expect(Math.max(...seen.wire.map(({ bytes }) => bytes))).toBe(kNetworkMtu + kEthernetBytes + kOuterBytes);
    const segments = seen.wire.filter(({ ip }) => ip?.vxlan?.inner?.ip?.tcp !== undefined);
    // On a busy machine tcpdump misses some of a burst; what it has is enough to judge.
    expect(segments.length).toBeGreaterThan(100);
    expect(segments.filter(({ data }) => !checksumsAreRight(data.subarray(kOuterBytes + kEthernetBytes)))).toEqual([]);
  });

  it('finishes checksums before the wire: small UDP datagrams have right ones there, inside and outside', async () => {
    const seen = await capture(lab, { wire }, async () => {
      await lab.exec('vm1', ['bash', '-c', 'for i in 1 2 3; do printf %64s >/dev/udp/10.2.0.12/5001; done']);
    });
    const datagrams = seen.wire.filter(({ ip }) => ip?.vxlan?.inner?.ip?.udp?.dstPort === 5001);
    expect(datagrams.map(({ bytes }) => bytes)).toEqual(Array.from({ length: 3 }, () => 64 + 8 + 20 + kEthernetBytes + kOuterBytes));
    for (const { data } of datagrams) {
      expect(checksumsAreRight(data.subarray(kOuterBytes + kEthernetBytes))).toBe(true);
      expect(data.readUInt16BE(64 + kEthernetBytes + 12)).not.toBe(0);
    }
  });
});

describe('a third subnet that is attached while everything runs', () => {
  const lab = withLab();

  it('checklist 37: a VM on it reaches all others, and nothing is restarted', async () => {
    const processes = async (): Promise<unknown> => (JSON.parse((await lab.dvr('lab', 'status', '--json')).stdout) as { processes: unknown }).processes;
    const before = await processes();
    await putTopology(readFileSync(defaultTopologyFile, 'utf8')
      .replace('networks:\n', 'networks:\n  blue: { vni: 103, mtu: 1500, subnets: [10.3.0.0/24] }\n')
      .replace('networks: [red, green]', 'networks: [red, green, blue]'));
    await addVm(lab, 'vm8', { network: 'blue', node: 'nn1', ip: '10.3.0.18' });
    await whole(lab);
    const seen = await capture(lab, { wire }, async () => {
      for (const address of ['10.1.0.11', '10.1.0.13', '10.2.0.12', '10.2.0.14']) expect(await lab.ping('vm8', address), address).toBe(3);
      for (const vm of ['vm1', 'vm2']) expect(await lab.ping(vm, '10.3.0.18'), vm).toBe(3);
    });
    expect(innerOf(seen.wire).filter(({ ip }) => ip?.dst === '10.3.0.18').length).toBeGreaterThan(0);
    expect(await processes()).toEqual(before);
  });
});

describe('two routers in a row', () => {
  const lab = withLab(`
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
networks:
  red: { vni: 101, mtu: 1500, subnets: [10.1.0.0/24] }
  middle: { vni: 103, mtu: 1500, subnets: [10.9.0.0/24] }
  green: { vni: 102, mtu: 1500, subnets: [10.2.0.0/24] }
routers:
  r1: { networks: [red, middle], routes: [{ destination: 10.2.0.0/24, via: 10.9.0.2 }] }
  r2: { networks: [green], interfaces: [{ network: middle, ip: 10.9.0.2 }], routes: [{ destination: 10.1.0.0/24, via: 10.9.0.1 }] }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
`);

  it('old bug 49: are both on the sender\'s node, where the packet passes both, and it crosses the wire once each way', async () => {
    const of = await names();
    const seen = await capture(lab, { wire }, async () => { expect(await lab.ping('vm1', '10.2.0.12', { count: 1 })).toBe(1); });
    expect(seen.wire.map(({ ip }) => ip?.vxlan).map((vxlan) => [vxlan?.vni, vxlan?.inner?.srcMac, vxlan?.inner?.dstMac, vxlan?.inner?.ip?.ttl])).toEqual([
      [102, of.dvrMac('cn1'), of.mac('vm2'), 62], [101, of.dvrMac('cn2'), of.mac('vm1'), 62],
    ]);
    expect(await lab.ping('vm2', '10.1.0.11')).toBe(3);
  });
});
