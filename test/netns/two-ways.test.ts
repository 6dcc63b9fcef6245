/**
 * The fast path routes as the kernel does: the same packets go by both ways, and what arrives at the VMs is
 * the same byte for byte, the router's own answers to the sender among it. What only the kernel can do is
 * the namespace's either way; the counters tell which packets the fast path took.
 *
 *   vm1 ── red 1500 ── r1 ── green 1400 ── vm4 (cn1), vm2 (cn2)
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { capture, names, putTopology, sendFrames, within, wayOf, type Names, type Seen } from '../support/cloud.js';
import { ethernet } from '../support/frames.js';
import { echoReply, ipv4, ipv6, spoiled } from '../support/ip-packets.js';
import { withLab } from '../support/lab.js';

const topologyOf = (mode: 'fast' | 'namespace'): string => `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
networks:
  red: { vni: 101, subnets: [10.1.0.0/24, "fd01::/64"], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24, "fd02::/64"], mtu: 1400 }
routers:
  r1:
    networks: [red, green]
    routing: ${mode}
    routes:
      - { destination: 198.51.100.0/24, via: 10.2.0.12 }
      - { destination: 198.51.100.128/25, via: 10.2.0.14 }
      - { destination: "2001:db8::/32", via: "fd02::12" }
ports:
  vm1: { network: red, node: cn1, ips: [10.1.0.11, "fd01::11"], port_security: false }
  vm2: { network: green, node: cn2, ips: [10.2.0.12, "fd02::12"] }
  vm3: { network: red, node: cn2, ips: [10.1.0.13, "fd01::13"] }
  vm4: { network: green, node: cn1, ips: [10.2.0.14, "fd02::14"] }
`;

const v4 = { from: '10.1.0.11', to: '10.2.0.12' } as const;
const v6 = { from: 'fd01::11', to: 'fd02::12' } as const;
const hopByHop = [0, '000502000001'.padEnd(14, '0')] as const;
const destinationOptions = [60, '00010400000000'] as const;
const routingHeader = [43, '00040000000000'] as const;
const fragment = [44, '000001000000ab'] as const;

/** What the fast path routes. */
const passedOn: readonly (readonly [what: string, packet: Buffer])[] = [
  ['a packet', ipv4(v4)],
  ['a packet for this node', ipv4({ ...v4, to: '10.2.0.14' })],
  ['its last hop but one', ipv4({ ...v4, ttl: 2 })],
  ['DSCP, ECN and the most hops', ipv4({ ...v4, ttl: 255, tos: 0xbb })],
  ['"do not fragment"', ipv4({ ...v4, dontFragment: true })],
  ['just the MTU', ipv4({ ...v4, payload: echoReply(2, 1380), dontFragment: true })],
  ['a first fragment', ipv4({ ...v4, moreFragments: true, payload: echoReply(3, 64) })],
  ['a last fragment', ipv4({ ...v4, offset: 8, payload: Buffer.alloc(9, 4) })],
  ['no payload at all', ipv4({ ...v4, payload: Buffer.alloc(0) })],
  ['a static route', ipv4({ ...v4, to: '198.51.100.5' })],
  ['a more specific static route', ipv4({ ...v4, to: '198.51.100.200' })],
  ['an IPv6 packet', ipv6(v6)],
  ['an IPv6 packet for this node', ipv6({ ...v6, to: 'fd02::14' })],
  ['a traffic class and the last hop but one', ipv6({ ...v6, hopLimit: 2, trafficClass: 0xbb })],
  ['just the MTU in IPv6', ipv6({ ...v6, bytes: 1360 })],
  ['destination options', ipv6({ ...v6, extensions: [destinationOptions] })],
  ['a routing header with nothing left', ipv6({ ...v6, extensions: [routingHeader] })],
  ['an IPv6 fragment', ipv6({ ...v6, extensions: [fragment] })],
  ['a static route of IPv6', ipv6({ ...v6, to: '2001:db8:7::7' })],
];

/** What is the namespace's either way: it may answer, cut, drop or pass it on. */
const lookedAt: readonly (readonly [what: string, packet: Buffer])[] = [
  ['the last hop', ipv4({ ...v4, ttl: 1 })],
  ['no hop', ipv4({ ...v4, ttl: 0 })],
  ['options', ipv4({ ...v4, options: [148, 4, 0, 0] })],
  ['a record of the route', ipv4({ ...v4, options: [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0] })],
  ['a wrong checksum', spoiled(ipv4(v4), 10, 0x99)],
  ['a wrong version', spoiled(ipv4(v4), 0, 0x55)],
  ['a length beyond its end', spoiled(ipv4(v4), 2, 9)],
  ['more than the MTU, to be cut', ipv4({ ...v4, payload: echoReply(5, 1381) })],
  ['more than the MTU, not to be cut', ipv4({ ...v4, payload: echoReply(6, 1381), dontFragment: true })],
  ['an address without a route', ipv4({ ...v4, to: '203.0.113.1' })],
  ["the router's address here", ipv4({ ...v4, to: '10.1.0.1' })],
  ["the router's address there", ipv4({ ...v4, to: '10.2.0.1' })],
  ["the subnet's broadcast address", ipv4({ ...v4, to: '10.2.0.255' })],
  ['everybody', ipv4({ ...v4, to: '255.255.255.255' })],
  ['a group', ipv4({ ...v4, to: '224.0.0.5' })],
  ['class E', ipv4({ ...v4, to: '240.0.0.1' })],
  ['loopback', ipv4({ ...v4, to: '127.0.0.1' })],
  ['this network', ipv4({ ...v4, to: '0.0.0.1' })],
  ['from loopback', ipv4({ ...v4, from: '127.0.0.1' })],
  ['from a group', ipv4({ ...v4, from: '224.0.0.5' })],
  ['from the link', ipv4({ ...v4, from: '169.254.7.7' })],
  ["from the router's address there", ipv4({ ...v4, from: '10.2.0.1' })],
  ['back by the interface it came in by', ipv4({ ...v4, to: '10.1.0.13' })],
  ['the last hop of IPv6', ipv6({ ...v6, hopLimit: 1 })],
  ['hop-by-hop options', ipv6({ ...v6, extensions: [hopByHop] })],
  ['more than the MTU of IPv6', ipv6({ ...v6, bytes: 1361 })],
  ['an IPv6 address without a route', ipv6({ ...v6, to: 'fd09::1' })],
  ["the router's IPv6 address there", ipv6({ ...v6, to: 'fd02::1' })],
  ['the anycast address of the subnet', ipv6({ ...v6, to: 'fd02::' })],
  ["another link's own address", ipv6({ ...v6, to: 'fe80::7' })],
  ['IPv6 loopback', ipv6({ ...v6, to: '::1' })],
  ['from nowhere in IPv6', ipv6({ ...v6, from: '::' })],
  ['from the IPv6 loopback', ipv6({ ...v6, from: '::1' })],
  ['from the link in IPv6', ipv6({ ...v6, from: 'fe80::7' })],
  ["from the router's IPv6 address there", ipv6({ ...v6, from: 'fd02::1' })],
];

/** No answer is held back, and what the kernel draws by lot or counts on is the same for all. */
const talkative = ['net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=100000', 'net.ipv6.icmp.ratelimit=0'];

/** The identification of a router's own IPv4 packet is drawn by lot, so its place and the checksum's are left out. */
function textOf({ data, ip }: Seen): string {
  const bytes = Buffer.from(data);
  if (ip?.version === 4 && ip.src === '10.1.0.1') bytes.fill(0, 18, 20).fill(0, 24, 26);
  return bytes.toString('hex');
}

interface Sent { readonly arrived: Record<string, string[]>; readonly routed: number; readonly handed: number }

describe('a packet by the fast path and by the namespace', () => {
  const lab = withLab(topologyOf('namespace'));
  let of: Names;
  beforeAll(async () => {
    of = await names();
    await lab.exec('dvr-cn1-qrouter-r1', ['sysctl', '-w', ...talkative]);
  });

  const take = async (mode: 'fast' | 'namespace'): Promise<void> => {
    await putTopology(topologyOf(mode));
    await within(`r1 goes by ${mode}`, async () => (await wayOf('cn1')).startsWith(mode));
  };
  /** How many packets the fast path has routed, and how many it has handed to a namespace. */
  const waysNow = async (): Promise<[routed: number, handed: number]> => {
    const { edges } = await controllerClient().nodeCall('cn1', 'counters');
    return [edges['route>switch'] ?? 0, edges['route>output'] ?? 0];
  };

  /** What arrives from the gateways at each VM, and which way it went. */
  async function sent(packets: readonly Buffer[], padding = 0): Promise<Sent> {
    const macs = { src: of.mac('vm1'), dst: of.gatewayMac('red') };
    const frames = packets.map((packet) =>
      ethernet(macs, (packet[0] ?? 0) >> 4 === 6 ? 0x86dd : 0x0800, Buffer.concat([packet, Buffer.alloc(padding)])));
    // To nobody in particular the kernel says now and then which groups it listens to (RFC 3810).
    const from = (network: string): string => `ether src ${of.gatewayMac(network)} and not ether multicast`;
    const [red, green] = [from('red'), from('green')];
    const before = await waysNow();
    const seen = await capture(lab, {
      vm1: ['dvr-vm1', 'eth0', red], vm3: ['dvr-vm3', 'eth0', red],
      vm2: ['dvr-vm2', 'eth0', green], vm4: ['dvr-vm4', 'eth0', green],
    }, () => sendFrames(lab, 'vm1', frames));
    const arrived = Object.fromEntries(Object.entries(seen).map(([vm, all]) => [vm, all.map(textOf)]));
    const after = await waysNow();
    return { arrived, routed: after[0] - before[0], handed: after[1] - before[1] };
  }

  async function bothWays(packets: readonly Buffer[], padding = 0): Promise<{ fast: Sent; kernel: Sent }> {
    await take('namespace');
    const kernel = await sent(packets, padding);
    await take('fast');
    return { kernel, fast: await sent(packets, padding) };
  }

  it('arrives with the same bytes, whatever the fast path routes', async () => {
    const packets = passedOn.map(([, packet]) => packet);
    const { fast, kernel } = await bothWays(packets);
    expect(fast.arrived).toEqual(kernel.arrived);
    expect(kernel.arrived['vm2']?.length ?? 0).toBe(packets.length - 3);
    expect(kernel.arrived['vm4']?.length ?? 0).toBe(3);
    expect([kernel.routed, fast.routed]).toEqual([0, packets.length]);
  });

  it('has lost Ethernet\'s padding either way', async () => {
    const packets = passedOn.map(([, packet]) => packet).filter((packet) => packet.length < 200);
    const { fast, kernel } = await bothWays(packets, 7);
    expect(fast.arrived).toEqual(kernel.arrived);
    expect(fast.routed).toBe(packets.length);
  });

  it('shows on br-int what r1 is handed and what it puts out, as if it stood outside', async () => {
    const frame = ethernet({ src: of.mac('vm1'), dst: of.gatewayMac('red') }, 0x0800, ipv4(v4));
    for (const mode of ['namespace', 'fast'] as const) {
      await take(mode);
      const { brInt } = await capture(lab, { brInt: ['cn1', 'br-int', 'vlan and icmp'] }, () => sendFrames(lab, 'vm1', [frame]));
      expect([mode, brInt.map(({ vlan, srcMac, dstMac, ip }) => [vlan, srcMac, dstMac, ip?.ttl])]).toEqual([mode, [
        [of.localVlan('cn1', 'red'), of.mac('vm1'), of.gatewayMac('red'), 64],
        [of.localVlan('cn1', 'green'), of.gatewayMac('green'), of.mac('vm2'), 63],
      ]]);
    }
  });

  it('is answered, cut, dropped or passed on by the kernel either way, where it takes more than passing on', async () => {
    const packets = lookedAt.map(([, packet]) => packet);
    const { fast, kernel } = await bothWays(packets);
    expect(fast.arrived).toEqual(kernel.arrived);
    expect(kernel.arrived['vm1']?.length ?? 0).toBeGreaterThan(5);
    expect([kernel.routed, fast.routed]).toEqual([0, 0]);
    // br-int drops the one that ends before its length says, and the one of another version.
    expect([kernel.handed, fast.handed]).toEqual([packets.length - 2, packets.length - 2]);
  });
});
