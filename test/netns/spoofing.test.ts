/**
 * A VM speaks only as itself: real frames from a raw socket in vm1 that claim to be somebody else arrive
 * nowhere, not at a neighbour on the node, not on the wire, not at the router, and are counted by reason.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { DropCount } from '../../src/cli/drops.js';
import { linkLocalOf } from '../../src/model/slaac.js';
import type { Frame } from '../../src/trace/frame.js';
import { capture, drops, dropsSince, names, sendFrames, wire, type Names, type Seen } from '../support/cloud.js';
import {
  arpFrame, kAllNodesMac, kBroadcast, neighbourAdvertisement, routerAdvertisement, tagged, udpFrame,
} from '../support/frames.js';
import { withLab } from '../support/lab.js';

const kTopology = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
networks:
  red: { vni: 101, subnets: [10.1.0.0/24, "fd01::/64"], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red, green] } }
ports:
  vm1: { network: red, node: cn1, ips: [10.1.0.11, "fd01::11"] }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ips: [10.1.0.13, "fd01::13"] }
  vm5: { network: red, node: cn1, ips: [10.1.0.15, "fd01::15"] }
`;
const kStrangeMac = 'fa:16:3e:66:66:66';
const kAllNodes = 'ff02::1';

type Reason = string;
/** What vm1 sends, and why it goes no further. */
type Spoof = readonly [what: string, reason: Reason, frames: (of: Names) => Buffer[]];

/** To a neighbour on the node, to one on the wire, and to all of them. */
const everywhere = (of: Names): string[] => [of.mac('vm5'), of.mac('vm3'), kBroadcast];

const spoofs: readonly Spoof[] = [
  ['another source MAC', 'spoofed_mac', (of) => everywhere(of).map((dst) => udpFrame({ src: kStrangeMac, dst, from: '10.1.0.11', to: '10.1.0.13' }))],
  ['a neighbour\'s MAC', 'spoofed_mac', (of) => everywhere(of).map((dst) => udpFrame({ src: of.mac('vm3'), dst, from: '10.1.0.11', to: '10.1.0.13' }))],
  ['another IPv4 source', 'spoofed_ip', (of) => [...everywhere(of), of.gatewayMac('red')].map((dst) => udpFrame({ src: of.mac('vm1'), dst, from: '10.1.0.13', to: '10.2.0.12' }))],
  ['another IPv6 source', 'spoofed_ip', (of) => everywhere(of).map((dst) => udpFrame({ src: of.mac('vm1'), dst, from: 'fd01::13', to: 'fd01::15' }))],
  ['another ARP sender address', 'spoofed_arp', (of) => everywhere(of).map((dst) => arpFrame({ src: of.mac('vm1'), dst, senderIp: '10.1.0.13', targetIp: '10.1.0.15' }))],
  ['another ARP sender MAC', 'spoofed_arp', (of) => everywhere(of).map((dst) => arpFrame({ src: of.mac('vm1'), dst, senderMac: kStrangeMac, senderIp: '10.1.0.11', targetIp: '10.1.0.15' }))],
  ['a gratuitous ARP for the gateway', 'spoofed_arp', (of) => [arpFrame({ src: of.mac('vm1'), dst: kBroadcast, operation: 2, senderIp: '10.1.0.1', targetIp: '10.1.0.1' })]],
  ['an advertisement of a neighbour\'s address', 'spoofed_nd', (of) => [neighbourAdvertisement({ src: of.mac('vm1'), dst: kAllNodesMac, from: 'fd01::11', to: kAllNodes }, 'fd01::13')]],
  ['the router\'s MAC', 'router_mac_from_vm', (of) => everywhere(of).map((dst) => udpFrame({ src: of.gatewayMac('red'), dst, from: '10.1.0.11', to: '10.1.0.13' }))],
  ['its own node\'s DVR MAC', 'dvr_mac_from_vm', (of) => everywhere(of).map((dst) => udpFrame({ src: of.dvrMac('cn1'), dst, from: '10.1.0.11', to: '10.1.0.13' }))],
  ['another node\'s DVR MAC', 'dvr_mac_from_vm', (of) => everywhere(of).map((dst) => udpFrame({ src: of.dvrMac('cn2'), dst, from: '10.1.0.11', to: '10.1.0.13' }))],
  ['a router advertisement', 'router_advertisement_from_vm', (of) => [routerAdvertisement({ src: of.mac('vm1'), dst: kAllNodesMac, from: linkLocalOf(of.mac('vm1')), to: kAllNodes })]],
  ['a VLAN tag', 'vlan_tagged', (of) => everywhere(of).map((dst) => tagged(udpFrame({ src: of.mac('vm1'), dst, from: '10.1.0.11', to: '10.1.0.13' }), 2))],
  ['a group address as source', 'bad_source_address', (of) => everywhere(of).map((dst) => udpFrame({ src: '01:00:5e:00:00:01', dst, from: '10.1.0.11', to: '10.1.0.13' }))],
];

/** Guests with IPv6 report their multicast groups now and then (RFC 3810), unasked. */
const isMld = (frame: Frame): boolean => (frame.ip?.vxlan?.inner ?? frame).ip?.dst === 'ff02::16';

describe('a VM that claims to be somebody else', () => {
  const lab = withLab(kTopology);
  let of: Names;
  beforeAll(async () => { of = await names(); });

  /** Frames that vm1 sends are seen on its own eth0, which is why that is not looked at. */
  async function sent(frames: readonly Buffer[]): Promise<{ seen: Seen[]; dropped: object }> {
    const before = await drops();
    const seen = await capture(lab, {
      wire, vm3: ['dvr-vm3', 'eth0'], vm5: ['dvr-vm5', 'eth0'], vm2: ['dvr-vm2', 'eth0'],
      red: ['dvr-cn1-qrouter-r1', 'qr-red'], green: ['dvr-cn1-qrouter-r1', 'qr-green'], brTun: ['cn1', 'br-tun'],
    }, () => sendFrames(lab, 'vm1', frames));
    return { seen: Object.values(seen).flat().filter((frame) => !isMld(frame)), dropped: await dropsSince(before) };
  }

  it.each(spoofs)('with %s reaches nobody and is counted as %s on its node', async (_, reason, framesOf) => {
    const frames = framesOf(of);
    expect(await sent(frames)).toEqual({ seen: [], dropped: { [`cn1 ${reason}`]: frames.length } });
  });

  it('has all of it in `dvr drops`, under its node', async () => {
    const ran = await lab.dvr('drops', '--json');
    const counted = new Map((JSON.parse(ran.stdout) as DropCount[]).map(({ reason, byNode }) => [reason, byNode]));
    const expected = new Map<string, number>();
    for (const [, reason, framesOf] of spoofs) expected.set(reason, (expected.get(reason) ?? 0) + framesOf(of).length);
    for (const [reason, count] of expected) expect(counted.get(reason), reason).toEqual({ cn1: count, cn2: 0 });
  });

  it('reaches everybody as soon as it speaks as itself', async () => {
    const own = { src: of.mac('vm1'), from: '10.1.0.11', to: '10.1.0.13' };
    const { seen, dropped } = await sent(everywhere(of).map((dst) => udpFrame({ ...own, dst })));
    const its = seen.filter((frame) => {
      const { srcMac, ip } = frame.ip?.vxlan?.inner ?? frame;
      return srcMac === own.src && ip?.udp !== undefined;
    });
    // To vm5; to vm3 over br-tun and the wire; to both of them, over the same.
    expect(its).toHaveLength(1 + 3 + 4);
    expect(dropped).toEqual({});
  });
});
