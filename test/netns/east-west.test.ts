/**
 * The seed's east-west walk on real bytes: one ping, captured at every hop at the same time, and each of
 * EW1 to EW7 asserted of what tcpdump saw there. A network that only cn1 has comes first in its local
 * VLANs, so that green's number differs between the nodes and a mix-up would show.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, crossings, hop, ifInside, innerOf, names, pings, routing, type Hop, type Names, type Seen, wire } from '../support/cloud.js';
import { withLab } from '../support/lab.js';

const kTopology = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
networks:
  blue: { vni: 103, subnets: [10.3.0.0/24], mtu: 1500 }
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red, green] } }
ports:
  vm0: { network: blue, node: cn1, ip: 10.3.0.10 }
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ip: 10.2.0.14 }
  vm5: { network: red, node: cn1, ip: 10.1.0.15 }
`;
const kEntropyPorts = { first: 49152, last: 65535 };
const kDontFragment = 0x40;
const kEchoBytes = 98;
const kTagBytes = 4;
/** Outer Ethernet, IPv4, UDP and VXLAN. */
const kOuterBytes = 50;

const hops = {
  vm1: hop.vm('vm1'),
  brInt1: hop.brInt('cn1'),
  qrRed1: hop.qr('cn1', 'red'),
  qrGreen1: hop.qr('cn1', 'green'),
  brTun1: hop.brTun('cn1'),
  wire,
  brTun2: hop.brTun('cn2'),
  brInt2: hop.brInt('cn2'),
  qrRed2: hop.qr('cn2', 'red'),
  qrGreen2: hop.qr('cn2', 'green'),
  vm2: hop.vm('vm2'),
} as const satisfies Record<string, Hop>;

/** What EW1 to EW7 say of a frame at a hop. */
const { requests, replies } = pings(({ srcMac, dstMac, vlan, ip, bytes }): object => ({ srcMac, dstMac, vlan, ttl: ip?.ttl, bytes }));

describe('one ping from vm1 on red to vm2 on green, seen at every hop', () => {
  const lab = withLab(kTopology);
  let seen: Record<keyof typeof hops, Seen[]>;
  let of: Names;
  let there: Seen;
  let back: Seen;
  let crossed: number[];
  const bothCrossings = (): Promise<number[]> => Promise.all(['cn1', 'cn2'].map((node) => crossings(lab, node)));

  beforeAll(async () => {
    of = await names();
    seen = await capture(lab, hops, async () => {
      const before = await bothCrossings();
      expect(await lab.ping('vm1', '10.2.0.12', { count: 1 })).toBe(1);
      crossed = (await bothCrossings()).map((count, at) => count - (before[at] ?? 0));
    });
    const outer = (vtep: string): Seen => seen.wire.filter(({ ip }) => ip?.src === vtep)[0] as Seen;
    there = outer(of.vtep('cn1'));
    back = outer(of.vtep('cn2'));
  });

  it('has local VLANs for green that differ between the nodes', () => {
    expect(of.localVlan('cn1', 'green')).not.toBe(of.localVlan('cn2', 'green'));
  });

  it('EW1: br-int on cn1 gets the frame for the gateway with red\'s local VLAN, and r1 gets it without', () => {
    const frame = { srcMac: of.mac('vm1'), dstMac: of.gatewayMac('red'), ttl: 64, bytes: kEchoBytes };
    expect(requests(seen.vm1)).toEqual([{ ...frame, vlan: undefined }]);
    expect(requests(seen.brInt1)[0]).toEqual({ ...frame, vlan: of.localVlan('cn1', 'red'), bytes: kEchoBytes + kTagBytes });
    expect(requests(seen.qrRed1)).toEqual(ifInside([{ ...frame, vlan: undefined }]));
  });

  it('EW2 and EW3: the router namespace routes it and puts it out of green, from its green MAC to vm2', () => {
    expect(requests(seen.qrGreen1)).toEqual(ifInside([
      { srcMac: of.gatewayMac('green'), dstMac: of.mac('vm2'), vlan: undefined, ttl: 63, bytes: kEchoBytes }]));
  });

  it('crosses the namespace of the sender\'s node once each way, and on the fast way none', () => {
    expect(crossed).toEqual(routing === 'fast' ? [0, 0] : [1, 1]);
  });

  it('EW4: br-int on cn1 switches it towards br-tun with green\'s local VLAN, and shows nothing twice', () => {
    expect(requests(seen.brInt1).slice(1)).toEqual([{
      srcMac: of.gatewayMac('green'), dstMac: of.mac('vm2'), vlan: of.localVlan('cn1', 'green'), ttl: 63, bytes: kEchoBytes + kTagBytes }]);
  });

  it('EW5: br-tun on cn1 makes the DVR MAC its source and strips the local VLAN', () => {
    expect(requests(seen.brTun1)).toEqual([{ srcMac: of.dvrMac('cn1'), dstMac: of.mac('vm2'), vlan: undefined, ttl: 63, bytes: kEchoBytes }]);
  });

  it('EW5: the wire carries it with green\'s VNI in one VXLAN packet from cn1 to cn2', () => {
    expect(there).toMatchObject({
      bytes: kEchoBytes + kOuterBytes,
      ip: { src: of.vtep('cn1'), dst: of.vtep('cn2'), ttl: 64, udp: { dstPort: 4789 }, vxlan: { flags: 8, vni: 102, inner: {
        srcMac: of.dvrMac('cn1'), dstMac: of.mac('vm2'), ip: { src: '10.1.0.11', dst: '10.2.0.12', ttl: 63 } } } },
    });
    expect(there.ip?.vxlan?.inner?.vlan).toBeUndefined();
  });

  it.each(['there', 'back'])('EW5: the outer header says "do not fragment", 4789, and a port of the flow (%s)', (way) => {
    const { data } = way === 'there' ? there : back;
    expect(data.readUInt8(20) & kDontFragment).toBe(kDontFragment);
    expect(data.readUInt16BE(36)).toBe(4789);
    expect(data.readUInt16BE(34)).toBeGreaterThanOrEqual(kEntropyPorts.first);
    expect(data.readUInt16BE(34)).toBeLessThanOrEqual(kEntropyPorts.last);
  });

  it('EW6: br-tun on cn2 has it out of the tunnel, still with the DVR MAC', () => {
    expect(requests(seen.brTun2)).toEqual([{ srcMac: of.dvrMac('cn1'), dstMac: of.mac('vm2'), vlan: undefined, ttl: 63, bytes: kEchoBytes }]);
  });

  it('EW6 and EW7: br-int on cn2 has cn2\'s own local VLAN and green\'s gateway MAC; vm2 gets the frame', () => {
    const frame = { srcMac: of.gatewayMac('green'), dstMac: of.mac('vm2'), ttl: 63 };
    expect(requests(seen.brInt2).at(-1)).toEqual({ ...frame, vlan: of.localVlan('cn2', 'green'), bytes: kEchoBytes + kTagBytes });
    expect(requests(seen.vm2)).toEqual([{ ...frame, vlan: undefined, bytes: kEchoBytes }]);
    expect([requests(seen.qrRed2), requests(seen.qrGreen2)]).toEqual([[], []]);
  });

  it('takes the same seven steps back, routed at cn2', () => {
    const reply = (srcMac: string, dstMac: string, ttl: number, vlan?: number): object =>
      ({ srcMac, dstMac, ttl, vlan, bytes: kEchoBytes + (vlan === undefined ? 0 : kTagBytes) });
    const [vm1, vm2, red, green] = [of.mac('vm1'), of.mac('vm2'), of.gatewayMac('red'), of.gatewayMac('green')];
    expect(replies(seen.vm2)).toEqual([reply(vm2, green, 64)]);
    expect(replies(seen.brInt2)).toEqual([reply(vm2, green, 64, of.localVlan('cn2', 'green')), reply(red, vm1, 63, of.localVlan('cn2', 'red'))]);
    expect(replies(seen.qrGreen2)).toEqual(ifInside([reply(vm2, green, 64)]));
    expect(replies(seen.qrRed2)).toEqual(ifInside([reply(red, vm1, 63)]));
    expect(replies(seen.brTun2)).toEqual([reply(of.dvrMac('cn2'), vm1, 63)]);
    expect(back.ip).toMatchObject({ src: of.vtep('cn2'), dst: of.vtep('cn1'), vxlan: { vni: 101 } });
    expect(replies(seen.brTun1)).toEqual([reply(of.dvrMac('cn2'), vm1, 63)]);
    expect(replies(seen.brInt1).at(-1)).toEqual(reply(red, vm1, 63, of.localVlan('cn1', 'red')));
    expect(replies(seen.vm1)).toEqual([reply(red, vm1, 63)]);
    expect([replies(seen.qrRed1), replies(seen.qrGreen1)]).toEqual([[], []]);
  });

  it('crosses the wire as exactly two packets', () => {
    expect(seen.wire).toHaveLength(2);
  });

  it('gives flows source ports of their own, and each flow one', async () => {
    const flows = await capture(lab, { wire: ['fabric', 'underlay', 'udp dst port 4789 and src host 172.16.0.11'] }, async () => {
      for (const port of [5001, 5002, 5003, 5004, 5005, 5006]) {
        await lab.exec('vm1', ['bash', '-c', 'for i in 1 2 3; do echo $i >"/dev/udp/10.2.0.12/$1"; done', 'flow', `${port}`]);
      }
    });
    const sourcePorts = new Map<number, Set<number>>();
    for (const { data, ip } of flows.wire) {
      const udp = ip?.vxlan?.inner?.ip?.udp;
      if (udp === undefined) continue;
      sourcePorts.set(udp.srcPort, (sourcePorts.get(udp.srcPort) ?? new Set()).add(data.readUInt16BE(34)));
    }
    expect(sourcePorts.size).toBe(18);
    expect([...sourcePorts.values()].every((ports) => ports.size === 1)).toBe(true);
    expect(new Set([...sourcePorts.values()].flatMap((ports) => [...ports])).size).toBeGreaterThan(1);
  });
});

describe('frames inside one subnet', () => {
  const lab = withLab(kTopology);
  let of: Names;
  beforeAll(async () => { of = await names(); });

  it('cross to the other node as they are: own MACs, TTL 64, red\'s VNI', async () => {
    const seen = await capture(lab, { wire, brInt2: hop.brInt('cn2'), vm3: hop.vm('vm3') },
      async () => { await lab.ping('vm1', '10.1.0.13', { count: 1 }); });
    const frame = { srcMac: of.mac('vm1'), dstMac: of.mac('vm3'), ip: { ttl: 64 } };
    expect(seen.wire[0]).toMatchObject({ ip: { vxlan: { vni: 101, inner: frame } } });
    expect(seen.brInt2[0]).toMatchObject({ ...frame, vlan: of.localVlan('cn2', 'red') });
    expect(seen.vm3[0]).toMatchObject(frame);
    expect(innerOf(seen.wire)).toHaveLength(2);
  });

  it('stay on the node when both are there: not seen by br-tun, the router or the wire', async () => {
    const seen = await capture(lab, {
      wire, brInt1: hop.brInt('cn1'), brTun1: ['cn1', 'br-tun'],
      router: hop.qr('cn1', 'red'), vm5: hop.vm('vm5'),
    }, async () => { expect(await lab.ping('vm1', '10.1.0.15', { count: 1 })).toBe(1); });
    expect(seen.vm5[0]).toMatchObject({ srcMac: of.mac('vm1'), dstMac: of.mac('vm5'), ip: { ttl: 64 } });
    expect(seen.brInt1).toHaveLength(2);
    expect([...seen.wire, ...seen.brTun1, ...seen.router]).toEqual([]);
  });
});
