/**
 * Linux's own vxlan device as the far end: leaf1 is a switch that knows nothing of dvr, floods to both
 * nodes and learns from what it hears. Its frames come with unfinished checksums and as super-frames in
 * one datagram, as the kernel sends them over veth and virtio.
 *
 *     dvr-leaf1: vx101 10.1.0.99 ── eth0 172.16.0.99 ══ fabric's bridge "underlay" ══ cn1, cn2, nn1
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture, drops, dropsSince, mustBeZero, names, rows, sendToVtep, transfer, wire, within, type Names } from '../support/cloud.js';
import { kBroadcast, udpFrame, vxlan } from '../support/frames.js';
import { run, withLab } from '../support/lab.js';
import { forgetNeighboursAt } from '../support/neighbours.js';

const kTopology = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 }, nn1: { vtep: 172.16.0.21 } }
interop_vteps: { leaf1: { vtep: 172.16.0.99, networks: [red] } }
networks:
  red: { vni: 101, mtu: 1500, subnets: [10.1.0.0/24] }
  green: { vni: 102, mtu: 1500, subnets: [10.2.0.0/24] }
routers: { r1: { networks: [red, green] } }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
`;
const kLeafMac = '02:00:00:00:00:99';
const kLeaf = '10.1.0.99';
const kLeafVtep = '172.16.0.99';
const kBulkBytes = 100_000_000;
const kCommandMs = 5000;

/** Everything about the far end, in the order it is made. */
const leafCommands = [
  'ip netns add dvr-leaf1',
  'ip netns exec dvr-leaf1 sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1',
  'ip -n dvr-fabric link add leaf1 mtu 1600 type veth peer name eth0 mtu 1600 netns dvr-leaf1',
  'ip -n dvr-fabric link set leaf1 master underlay up',
  `ip -n dvr-leaf1 address add ${kLeafVtep}/24 dev eth0`,
  'ip -n dvr-leaf1 link set lo up',
  'ip -n dvr-leaf1 link set eth0 up',
  `ip -n dvr-leaf1 link add vx101 address ${kLeafMac} mtu 1500 type vxlan id 101 dstport 4789 local ${kLeafVtep} learning`,
  `ip -n dvr-leaf1 address add ${kLeaf}/24 dev vx101`,
  'ip -n dvr-leaf1 link set vx101 up',
  ...['172.16.0.11', '172.16.0.12'].map((vtep) => `ip netns exec dvr-leaf1 bridge fdb append 00:00:00:00:00:00 dev vx101 dst ${vtep}`),
];

describe('a kernel vxlan device as the far end', () => {
  const lab = withLab(kTopology);
  let of: Names;
  const command = async (line: string): Promise<void> => {
    const [file = '', ...args] = line.split(' ');
    mustBeZero(await run(file, args, kCommandMs));
  };
  beforeAll(async () => {
    for (const line of leafCommands) await command(line);
    of = await names();
  });
  afterAll(() => run('ip', ['netns', 'delete', 'dvr-leaf1'], kCommandMs));

  const learned = async (node: string): Promise<unknown[]> => (await rows(node, 'ucast_to_tun')).filter((row) => row['learned'] === true)
    .map(({ mac, vtep }) => `${String(mac)} ${String(vtep)}`);

  it('is found by a VM that asks for it: the question floods to it, and only what comes before it is learned is dropped', async () => {
    expect(await learned('cn1')).toEqual([]);
    const before = await drops();
    const received = await lab.ping('vm1', kLeaf);
    // The answer reaches the VM while the agent still writes the row, so the very first packet may be too early.
    expect(received).toBeGreaterThanOrEqual(2);
    expect(await dropsSince(before)).toEqual(received === 3 ? {} : { 'cn1 unknown_unicast': 1 });
  });

  it('is learned by the nodes that heard it, and shown as learned by `dvr tables`', async () => {
    expect(await lab.ping('vm3', kLeaf)).toBeGreaterThanOrEqual(2);
    for (const node of ['cn1', 'cn2']) await within(`${node} has learned leaf1`, async () => (await learned(node)).length === 1);
    for (const node of ['cn1', 'cn2']) expect(await learned(node), node).toEqual([`${kLeafMac} ${kLeafVtep}`]);
    expect((await lab.dvr('tables', '--node', 'cn1', '--bridge', 'br-tun')).stdout).toMatch(new RegExp(`${kLeafMac}.*${kLeafVtep}.*true`));
  });

  it('gets unicast alone once it is learned', async () => {
    const seen = await capture(lab, { wire }, async () => { expect(await lab.ping('vm1', kLeaf, { count: 1 })).toBe(1); });
    expect(seen.wire.map(({ ip }) => [ip?.src, ip?.dst])).toEqual([['172.16.0.11', kLeafVtep], [kLeafVtep, '172.16.0.11']]);
  });

  it.each([['vm1', '10.1.0.11'], ['vm3', '10.1.0.13']])('reaches %s by itself', async (_, address) => {
    await forgetNeighboursAt(lab, 'leaf1');
    expect(await lab.ping('leaf1', address)).toBe(3);
  });

  it('exchanges bulk TCP with its offloads on, and every byte is right', async () => {
    const before = await drops();
    for (const [from, to, address] of [['leaf1', 'vm1', '10.1.0.11'], ['vm1', 'leaf1', kLeaf], ['leaf1', 'vm3', '10.1.0.13']] as const) {
      const { sent, received } = await transfer(lab, from, to, address, kBulkBytes);
      expect(received, `${from} to ${to}`).toMatchObject({ bytes: kBulkBytes, sha256: sent.sha256 });
    }
    expect(Object.keys(await dropsSince(before)).filter((key) => !key.endsWith(' port_down'))).toEqual([]);
  });

  it('hands its super-frames to a node in one datagram, which the VM gets whole', async () => {
    const seen = await capture(lab, { wire: ['cn1', 'eth0', `udp and src host ${kLeafVtep}`], vm1: ['dvr-vm1', 'eth0', `tcp and src host ${kLeaf}`] },
      async () => { await transfer(lab, 'leaf1', 'vm1', '10.1.0.11', 1_000_000); });
    expect(Math.max(...seen.wire.map(({ bytes }) => bytes))).toBeGreaterThan(1600 + 14);
    expect(Math.max(...seen.vm1.map(({ bytes }) => bytes))).toBeGreaterThan(1500 + 14);
  });

  it('exchanges UDP: nothing of 200 datagrams is lost on either way there and back', async () => {
    for (const [from, to, address] of [['vm1', 'leaf1', kLeaf], ['leaf1', 'vm3', '10.1.0.13']] as const) {
      const { result } = await lab.startProbes(from, to, address, { count: 200, intervalMs: 2 });
      expect(await result, `${from} to ${to}`).toMatchObject({ sent: 200, received: 200, lost: 0 });
    }
  });

  it('teaches no node a DVR MAC, nor a MAC that a port here has', async () => {
    const claim = (src: string): Buffer => vxlan(101, udpFrame({ src, dst: kBroadcast, from: kLeaf, to: '10.1.0.255' }));
    await sendToVtep(lab, 'leaf1', of.vtep('cn1'), [of.dvrMac('cn2'), of.dvrMac('cn1'), of.mac('vm1'), of.gatewayMac('red')].map(claim));
    expect(await learned('cn1')).toEqual([`${kLeafMac} ${kLeafVtep}`]);
  });

  it('is the only one that is learned from: a node\'s datagrams teach nothing', async () => {
    await sendToVtep(lab, 'cn2', of.vtep('cn1'), [vxlan(101, udpFrame({ src: 'fa:16:3e:77:77:77', dst: kBroadcast, from: '10.1.0.77', to: '10.1.0.255' }))]);
    expect(await learned('cn1')).toEqual([`${kLeafMac} ${kLeafVtep}`]);
  });

  it('is not believed from another address, nor on a network it is not of', async () => {
    const before = await drops();
    const frame = udpFrame({ src: kLeafMac, dst: of.mac('vm1'), from: kLeaf, to: '10.1.0.11' });
    mustBeZero(await lab.exec('leaf1', ['ip', 'address', 'add', '172.16.0.98/24', 'dev', 'eth0']));
    mustBeZero(await lab.exec('leaf1', ['ip', 'route', 'replace', '172.16.0.11/32', 'dev', 'eth0', 'src', '172.16.0.98']));
    await sendToVtep(lab, 'leaf1', of.vtep('cn1'), [vxlan(101, frame)]);
    expect(await dropsSince(before)).toEqual({ 'cn1 unknown_vtep': 1 });
    mustBeZero(await lab.exec('leaf1', ['ip', 'route', 'delete', '172.16.0.11/32', 'dev', 'eth0']));
    const beforeGreen = await drops();
    const toGreen = udpFrame({ src: kLeafMac, dst: of.mac('vm2'), from: kLeaf, to: '10.2.0.12' });
    await sendToVtep(lab, 'leaf1', of.vtep('cn2'), [vxlan(102, toGreen)]);
    expect(await dropsSince(beforeGreen)).toEqual({ 'cn2 vtep_not_of_network': 1 });
  });
});
