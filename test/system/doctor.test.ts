/** `dvr doctor` in a lab where one thing after the other is broken: it names each, and is content once it is mended. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NodeFinding } from '../../src/cli/doctor.js';
import type { Finding } from '../../src/model/finding.js';
import { jsonOf, pidOf, statusNow, until } from '../support/facts.js';
import { type Lab, whileBroken, withLab } from '../support/lab.js';

const lab: Lab = withLab();
const nodes = ['cn1', 'cn2', 'nn1', 'nn2'];

const findings = async (): Promise<readonly NodeFinding[]> =>
  jsonOf(await lab.dvr('doctor', '--json')) as unknown as readonly NodeFinding[];
const troubles = async (): Promise<string[]> => (await findings()).filter(({ level }) => level !== 'ok')
  .map(({ where, level, check, what }) => `${where}: ${level} ${check}: ${what}`);
const at = (node: string, command: string) => () => lab.exec(node, command.split(' '));

describe('dvr doctor', () => {
  it('is content with a lab, having asked every node everything', async () => {
    expect(await troubles()).toEqual([]);
    const asked = (await findings()).map(({ where, check }) => `${where} ${check}`);
    const checks: readonly Finding['check'][] = ['agent', 'view', 'peers', 'mtu', 'vxlan port', 'offloads', 'addresses', 'clock', 'leftovers', 'kernel'];
    expect(asked).toEqual(expect.arrayContaining(nodes.flatMap((node) => checks.map((check) => `${node} ${check}`))));
    expect((await lab.dvr('doctor')).code).toBe(0);
  });

  it.each<[string, string, string, string, RegExp, number]>([
    ['an underlay device that is too narrow', 'cn2', 'ip link set eth0 mtu 1400', 'ip link set eth0 mtu 1550',
      /^cn2: fail mtu: eth0 has MTU 1400, less than the 1550 that networks here need/, 7],
    ['a way between two nodes that is too narrow', 'cn1', 'ip route replace 172.16.0.12/32 dev eth0 mtu lock 1400', 'ip route del 172.16.0.12/32',
      /^cn1: fail mtu: packets of 1550 bytes do not get to cn2 \(172\.16\.0\.12\), small ones do/, 7],
    ['a peer out of reach', 'cn1', 'ip route replace blackhole 172.16.0.21/32', 'ip route del blackhole 172.16.0.21/32',
      /^cn1: fail peers: nn1 \(172\.16\.0\.21\) does not answer ping$/, 7],
    ['a VTEP address that two nodes have', 'nn2', 'ip address add 172.16.0.12/24 dev eth0', 'ip address del 172.16.0.12/24 dev eth0',
      /^cn2: fail addresses: ([0-9a-f]{2}:){5}[0-9a-f]{2} also has 172\.16\.0\.12, this node's VTEP address/, 7],
    ['a device that leaves checksums to the CPU', 'cn1', 'ethtool -K eth0 tx off', 'ethtool -K eth0 tx on',
      /^cn1: warn offloads: eth0 has checksums computed by the CPU$/, 6],
    ['a namespace with a name of ours that nobody knows', 'nn1', 'ip netns add snat-r9', 'ip netns del snat-r9',
      /^nn1: warn leftovers: namespace snat-r9 is nobody's$/, 6],
    ['a TAP with a name of ours that nobody knows', 'cn1', 'ip tuntap add tap4000 mode tap', 'ip tuntap del tap4000 mode tap',
      /^cn1: warn leftovers: device tap4000 is nobody's$/, 6],
    ['forwarding switched off in a router', 'cn1', 'ip netns exec qrouter-r1 sysctl -w net.ipv4.ip_forward=0',
      'ip netns exec qrouter-r1 sysctl -w net.ipv4.ip_forward=1', /^cn1: fail kernel: net\.ipv4\.ip_forward is 0 in qrouter-r1, and must be 1$/, 7],
    ['a device of the kernel that wants VXLAN\'s port', 'cn2', 'ip link add vxlan9 type vxlan id 9 dstport 4789 dev eth0', 'ip link del vxlan9',
      /^cn2: warn vxlan port: VXLAN devices of the kernel want port 4789 as well: vxlan9$/, 6],
  ])('names %s', async (_, node, broken, mended, what, code) => {
    await whileBroken(at(node, broken), at(node, mended), async () => {
      const named = (found: readonly string[]): boolean => found.some((one) => what.test(one));
      await until(`doctor says ${what.source}`, async () => named(await troubles()));
      const ran = await lab.dvr('doctor');
      expect(ran.code).toBe(code);
      expect(ran.stdout).toMatch(new RegExp(`^${code === 7 ? 'fail' : 'warn'}  ${what.source.slice(1, 4)}`, 'm'));
    });
    await until('it is content again', async () => (await troubles()).length === 0);
  });

  it('names a node whose agent is not there, and says what to start', async () => {
    const agent = pidOf('agent nn2') ?? 0;
    await whileBroken(async () => { process.kill(agent, 'SIGSTOP'); }, async () => { process.kill(agent, 'SIGCONT'); }, async () => {
      expect(await troubles()).toEqual([expect.stringMatching(/^nn2: fail agent: node nn2 did not answer "examine" within 5 s/)]);
    });
    await until('it is content again', async () => (await troubles()).length === 0);
  });

  it('changes nothing by looking', async () => {
    const before = await statusNow();
    const names = (): string[] => readdirSync('/run/netns').sort();
    const namespaces = names();
    await lab.dvr('doctor');
    expect((await statusNow()).generation).toBe(before.generation);
    expect(names()).toEqual(namespaces);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });
});

