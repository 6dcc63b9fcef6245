/**
 * Checklist, ARP and neighbours: questions are answered at the first hop, for every address that is known,
 * and every copy of a router knows every VM without asking.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { defaultTopologyFile } from '../../src/lab/scripts.js';
import {
  addVm, capture, innerOf, mustBeZero, names, neighbours, putTopology, sendFrames, wire, within, type Hop, type Names, type Seen,
} from '../support/cloud.js';
import { arpFrame, kBroadcast } from '../support/frames.js';
import { withLab } from '../support/lab.js';

const kDefault = readFileSync(defaultTopologyFile, 'utf8');
const kReply = 2;
/** vm9 exists and is bound nowhere. */
const kTopology = `${kDefault}  vm9: { network: red, ip: 10.1.0.19 }\n`;
const onVm3: Hop = ['dvr-vm3', 'eth0'];
const brInt2: Hop = ['cn2', 'br-int'];

describe('questions for addresses', () => {
  const lab = withLab(kTopology);
  let of: Names;
  beforeAll(async () => { of = await names(); });

  const ask = (vm: 'vm1' | 'vm3', targetIp: string): Promise<void> => sendFrames(lab, vm,
    [arpFrame({ src: of.mac(vm), dst: kBroadcast, senderIp: vm === 'vm1' ? '10.1.0.11' : '10.1.0.13', targetIp })]);
  const repliesIn = (seen: readonly Seen[]): Seen[] => seen.filter(({ arp }) => arp?.operation === kReply);

  it('checklist 13 and 14: one for the gateway is answered once, with the same MAC on every node, and not asked on the wire', async () => {
    const seen = await capture(lab, { wire, vm1: ['dvr-vm1', 'eth0', 'arp'], vm3: ['dvr-vm3', 'eth0', 'arp'] }, async () => {
      await ask('vm1', '10.1.0.1');
      await ask('vm3', '10.1.0.1');
    });
    for (const vm of ['vm1', 'vm3'] as const) {
      const replies = repliesIn(seen[vm]);
      expect(replies).toHaveLength(1);
      expect(replies[0]).toMatchObject({ srcMac: of.gatewayMac('red'), dstMac: of.mac(vm), arp: { senderMac: of.gatewayMac('red'), senderIp: '10.1.0.1', targetMac: of.mac(vm) } });
    }
    expect(seen.wire).toEqual([]);
  });

  it.each([['request', 1], ['reply', 2]] as const)('checklist 15: a router\'s announcement of its own address (as a %s) stays off the wire', async (_, operation) => {
    const announcement = arpFrame({ src: of.gatewayMac('red'), dst: kBroadcast, operation, senderIp: '10.1.0.1', targetIp: '10.1.0.1' });
    const seen = await capture(lab, { wire, vm3: onVm3 }, () => sendFrames(lab, 'dvr-cn1-qrouter-r1', [announcement], 'qr-red'));
    expect([...seen.wire, ...seen.vm3]).toEqual([]);
  });

  it('checklist 16: one for a VM of the subnet on another node is answered here, and that node hears nothing', async () => {
    const seen = await capture(lab, { wire, brInt2, vm1: ['dvr-vm1', 'eth0', 'arp'] }, () => ask('vm1', '10.1.0.13'));
    expect(repliesIn(seen.vm1).map(({ srcMac, arp }) => [srcMac, arp?.senderMac])).toEqual([[of.mac('vm3'), of.mac('vm3')]]);
    expect([...seen.wire, ...seen.brInt2]).toEqual([]);
  });

  it('checklist 17 and 27: one that nobody here can answer floods with its own source MAC, to nodes of the network only', async () => {
    const seen = await capture(lab, { wire, vm3: onVm3, vm4: ['dvr-vm4', 'eth0'], vm2: ['dvr-vm2', 'eth0'] }, () => ask('vm1', '10.1.0.200'));
    expect(seen.wire.map(({ ip }) => [ip?.src, ip?.dst, ip?.vxlan?.vni]).sort())
      .toEqual(['cn2', 'nn1', 'nn2'].map((node) => [of.vtep('cn1'), of.vtep(node), 101]));
    expect(innerOf(seen.wire)[0]).toMatchObject({ srcMac: of.mac('vm1'), dstMac: kBroadcast, arp: { senderMac: of.mac('vm1'), targetIp: '10.1.0.200' } });
    expect(seen.vm3[0]).toMatchObject({ srcMac: of.mac('vm1'), dstMac: kBroadcast });
    expect([...seen.vm2, ...seen.vm4]).toEqual([]);
  });

  it('checklist 17: a VM\'s address is asked for on the wire again once the VM is unplugged', async () => {
    const { mac } = await plugged('vm5', '10.1.0.15');
    const before = await capture(lab, { wire, vm1: ['dvr-vm1', 'eth0', 'arp'] }, () => ask('vm1', '10.1.0.15'));
    expect([before.wire.length, repliesIn(before.vm1)[0]?.srcMac]).toEqual([0, mac]);
    mustBeZero(await lab.dvr('port', 'delete', 'vm5'));
    await within('cn1 forgets vm5', async () => !(await neighbours(lab, 'cn1')).includes(`10.1.0.15 ${mac}`));
    const after = await capture(lab, { wire, vm1: ['dvr-vm1', 'eth0', 'arp'] }, () => ask('vm1', '10.1.0.15'));
    // To each of the other nodes that have the network: cn2, and nn1 and nn2 with their sg devices.
    expect([innerOf(after.wire).map(({ arp }) => arp?.targetIp), repliesIn(after.vm1)])
      .toEqual([['10.1.0.15', '10.1.0.15', '10.1.0.15'], []]);
  });

  async function plugged(name: string, ip: string): Promise<{ mac: string }> {
    await addVm(lab, name, { network: 'red', node: 'cn2', ip });
    const port = (await controllerClient().ports()).find((one) => one.name === name);
    await within(`cn1 knows ${name}`, async () => (await neighbours(lab, 'cn1')).includes(`${ip} ${port?.mac ?? ''}`));
    return { mac: port?.mac ?? '' };
  }
});

describe('what the copies of a router know', () => {
  const lab = withLab(kTopology);
  let of: Names;
  const copies = ['cn1', 'cn2'] as const;
  beforeAll(async () => { of = await names(); });

  const macOf = async (port: string): Promise<string> => (await controllerClient().ports()).find(({ name }) => name === port)?.mac ?? 'no MAC';
  const line = async (ip: string, port: string): Promise<string> => `${ip} ${await macOf(port)}`;
  async function everyCopy(what: string, ready: (lines: readonly string[]) => boolean, router = 'r1'): Promise<void> {
    for (const node of copies) await within(`${node}: ${what}`, async () => ready(await neighbours(lab, node, router)));
  }

  it('checklist 18 and 21: one permanent neighbour for each bound VM of each attached subnet, on every node, and none for a port that is bound nowhere', async () => {
    const expected = ['10.1.0.11 vm1', '10.1.0.13 vm3', '10.2.0.12 vm2', '10.2.0.14 vm4'].map((one) => one.replace(/vm\d/, (vm) => of.mac(vm)));
    // What else is there leads outside: the sg devices (checklist 22), and the link to the FIP namespace.
    const inside = async (node: string): Promise<string[]> => (await neighbours(lab, node)).filter((one) => !/^(10\.[12]\.0\.2 |169\.254\.)/.test(one));
    for (const node of copies) expect(await inside(node)).toEqual(expected);
  });

  it('checklist 18 and 19: a VM appears in every copy when it is plugged in, and goes when it is deleted', async () => {
    await addVm(lab, 'vm6', { network: 'green', node: 'cn1', ip: '10.2.0.16' });
    const vm6 = await line('10.2.0.16', 'vm6');
    await everyCopy('knows vm6', (lines) => lines.includes(vm6));
    mustBeZero(await lab.dvr('port', 'delete', 'vm6'));
    await everyCopy('forgets vm6', (lines) => !lines.includes(vm6));
  });

  it('checklist 19: an address that another VM has taken over meanwhile stays when its first owner goes', async () => {
    await addVm(lab, 'old', { network: 'red', node: 'cn1', ip: '10.1.0.60' });
    await everyCopy('knows the old owner', (lines) => lines.some((one) => one.startsWith('10.1.0.60 ')));
    mustBeZero(await lab.dvr('port', 'set', 'old', '--ip', '10.1.0.61'));
    await addVm(lab, 'new', { network: 'red', node: 'cn2', ip: '10.1.0.60' });
    const owner = await line('10.1.0.60', 'new');
    await everyCopy('knows the new owner', (lines) => lines.includes(owner));
    mustBeZero(await lab.dvr('port', 'delete', 'old'));
    await everyCopy('has forgotten the first owner only', (lines) => lines.includes(owner) && !lines.some((one) => one.startsWith('10.1.0.61 ')));
    expect(await lab.ping('vm4', '10.1.0.60')).toBe(3);
    mustBeZero(await lab.dvr('port', 'delete', 'new'));
  });

  it('checklist 20: an allowed pair of one address is a neighbour with the pair\'s MAC, one of a prefix is none', async () => {
    mustBeZero(await lab.dvr('port', 'set', 'vm1', '--allowed-address-pair', '10.1.0.100,fa:16:3e:aa:00:01', '--allowed-address-pair', '10.1.0.128/28'));
    await everyCopy('knows the pair', (lines) => lines.includes('10.1.0.100 fa:16:3e:aa:00:01'));
    expect((await neighbours(lab, 'cn1')).filter((one) => one.startsWith('10.1.0.12'))).toEqual([]);
    mustBeZero(await lab.dvr('port', 'set', 'vm1', '--allowed-address-pair', 'none'));
    await everyCopy('forgets the pair', (lines) => !lines.some((one) => one.startsWith('10.1.0.100 ')));
  });

  it('checklist 24: a VM\'s new address takes the place of its old one in every copy', async () => {
    mustBeZero(await lab.dvr('port', 'set', 'vm3', '--ip', '10.1.0.33'));
    const now = `10.1.0.33 ${of.mac('vm3')}`;
    await everyCopy('knows the new address', (lines) => lines.includes(now) && !lines.some((one) => one.startsWith('10.1.0.13 ')));
    mustBeZero(await lab.dvr('port', 'set', 'vm3', '--ip', '10.1.0.13'));
    await everyCopy('knows the first address again', (lines) => lines.includes(`10.1.0.13 ${of.mac('vm3')}`));
  });

  it('checklist 23: a second router on the same subnet knows its VMs as well, and routes for them', async () => {
    await putTopology(kTopology
      .replace('networks:\n', 'networks:\n  blue: { vni: 103, mtu: 1500, subnets: [10.3.0.0/24] }\n')
      .replace(/^( {2}r1:.*)$/m, '$1\n  r2: { interfaces: [{ network: red, ip: 10.1.0.9 }, { network: blue }] }'));
    const reds = [`10.1.0.11 ${of.mac('vm1')}`, `10.1.0.13 ${of.mac('vm3')}`];
    await everyCopy('r2 knows the VMs of red', (lines) => reds.every((one) => lines.includes(one)), 'r2');
    await everyCopy('r1 still does', (lines) => reds.every((one) => lines.includes(one)));
    await addVm(lab, 'vm7', { network: 'blue', node: 'cn2', ip: '10.3.0.17' });
    mustBeZero(await lab.exec('vm1', ['ip', 'route', 'add', '10.3.0.0/24', 'via', '10.1.0.9']));
    mustBeZero(await lab.exec('vm7', ['ip', 'route', 'replace', '10.1.0.0/24', 'via', '10.3.0.1']));
    expect(await lab.ping('vm1', '10.3.0.17')).toBe(3);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });
});
