/**
 * Checklist, MAC isolation: gateways have one MAC on every node, so no router MAC may cross the wire, and
 * what comes from a DVR MAC goes only to ports that are known to be here. Frames that no dataplane sends
 * are put on the wire as datagrams from a node's own address.
 */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/trace/frame.js';
import { findLabProcesses } from '../../src/lab/processes.js';
import { requireRecord } from '../../src/lab/record.js';
import { defaultTopologyFile } from '../../src/lab/scripts.js';
import { capture, drops, dropsSince, innerOf, names, putTopology, rows, sendToVtep, transfer, within, type Hop, type Names, type Seen, whole, wire } from '../support/cloud.js';
import { arpFrame, kBroadcast, kUnknownMac, udpFrame, vxlan } from '../support/frames.js';
import { withLab } from '../support/lab.js';

const kRed = 101;
const kMulticast = '01:00:5e:00:00:fb';
const addresses = { vm1: '10.1.0.11', vm2: '10.2.0.12', vm3: '10.1.0.13', vm4: '10.2.0.14' } as const;
const vms = Object.keys(addresses) as (keyof typeof addresses)[];
const onVm1: Hop = ['dvr-vm1', 'eth0'];
const onVm4: Hop = ['dvr-vm4', 'eth0'];

describe('everybody talks to everybody', () => {
  const lab = withLab();
  let of: Names;
  let onWire: Frame[];
  let atVms: Record<keyof typeof addresses, Seen[]>;

  beforeAll(async () => {
    of = await names();
    const seen = await capture(lab, {
      wire, vm1: ['dvr-vm1', 'eth0'], vm2: ['dvr-vm2', 'eth0'], vm3: ['dvr-vm3', 'eth0'], vm4: ['dvr-vm4', 'eth0'],
    }, async () => {
      for (const from of vms) for (const to of vms) if (from !== to) await lab.ping(from, addresses[to], { count: 2 });
      for (const from of vms) await lab.ping(from, from === 'vm1' || from === 'vm3' ? '10.1.0.1' : '10.2.0.1', { count: 1 });
      await transfer(lab, 'vm1', 'vm2', addresses.vm2, 200_000);
    });
    onWire = innerOf(seen.wire);
    atVms = seen;
  });

  it('checklist 1: no router MAC crosses the wire as the source of a frame', () => {
    expect(onWire.length).toBeGreaterThan(40);
    expect(onWire.filter(({ srcMac }) => of.routerMacs.includes(srcMac))).toEqual([]);
  });

  it('checklist 2: no router MAC crosses the wire as the destination of a frame', () => {
    expect(onWire.filter(({ dstMac }) => of.routerMacs.includes(dstMac))).toEqual([]);
  });

  it('checklist 3: a routed frame has the DVR MAC of the node it was routed on, before and after the node is restarted', async () => {
    const routed = (frames: readonly Frame[]): Frame[] => frames.filter(({ ip }) => ip !== undefined && ip.src.slice(0, 5) !== ip.dst.slice(0, 5));
    const from = (frames: readonly Frame[], vm: keyof typeof addresses): string[] =>
      [...new Set(routed(frames).filter(({ ip }) => ip?.src === addresses[vm]).map(({ srcMac }) => srcMac))];
    expect([from(onWire, 'vm1'), from(onWire, 'vm4'), from(onWire, 'vm2'), from(onWire, 'vm3')])
      .toEqual([[of.dvrMac('cn1')], [of.dvrMac('cn1')], [of.dvrMac('cn2')], [of.dvrMac('cn2')]]);
    for (const { pid, role } of findLabProcesses(requireRecord().id, [])) if (/^(agent|dataplane|controller)/.test(role ?? '')) process.kill(pid, 'SIGKILL');
    await whole(lab);
    const after = await capture(lab, { wire }, async () => { expect(await lab.ping('vm1', addresses.vm2)).toBe(3); });
    expect(from(innerOf(after.wire), 'vm1')).toEqual([of.dvrMac('cn1')]);
  });

  it('checklist 4: DVR MACs differ from each other and from every other MAC, and begin alike', () => {
    const all = [...of.dvrMacs, ...of.routerMacs, ...vms.map((vm) => of.mac(vm))];
    expect(new Set(all).size).toBe(4 + 2 + 4);
    expect(of.dvrMacs.map((mac) => mac.slice(0, 8))).toEqual(of.dvrMacs.map(() => 'fa:16:3f'));
  });

  it('checklist 5: a VM sees its own gateway\'s MAC as the sender of what was routed, and never a DVR MAC', () => {
    const gateway = { vm1: 'red', vm2: 'green', vm3: 'red', vm4: 'green' } as const;
    for (const vm of vms) {
      const routed = atVms[vm].filter(({ ip, srcMac }) => srcMac !== of.mac(vm) && ip !== undefined && ip.src.slice(0, 5) !== addresses[vm].slice(0, 5));
      expect([...new Set(routed.map(({ srcMac }) => srcMac))], vm).toEqual([of.gatewayMac(gateway[vm])]);
      expect(atVms[vm].filter(({ srcMac, dstMac }) => of.dvrMacs.includes(srcMac) || of.dvrMacs.includes(dstMac)), vm).toEqual([]);
    }
  });
});

describe('frames that claim a DVR MAC', () => {
  const lab = withLab();
  let of: Names;
  beforeAll(async () => { of = await names(); });

  /** What VMs of cn1 see, and what is counted, of a frame in VXLAN that came from cn2's address. */
  async function fromCn2(frame: Buffer, vni = kRed): Promise<{ vm1: Seen[]; vm4: Seen[]; wire: Seen[]; dropped: object }> {
    const before = await drops();
    const seen = await capture(lab, { vm1: onVm1, vm4: onVm4, wire: ['fabric', 'underlay', `udp dst port 4789 and src host ${of.vtep('cn1')}`] },
      () => sendToVtep(lab, 'cn2', of.vtep('cn1'), [vxlan(vni, frame)]));
    return { ...seen, dropped: await dropsSince(before) };
  }
  const ips = { from: '10.2.0.12', to: addresses.vm1 };
  const nothing = { vm1: [], vm4: [], wire: [] };

  it.each([['broadcast', kBroadcast], ['multicast', kMulticast]])('checklist 7: a %s from a peer\'s DVR MAC reaches no VM', async (_, dst) => {
    expect(await fromCn2(udpFrame({ src: of.dvrMac('cn2'), dst, ...ips })))
      .toEqual({ ...nothing, dropped: { 'cn1 dvr_mac_not_to_local_port': 1 } });
  });

  it('checklist 7: nor does an ARP request from it, which would tell VMs where the gateway is', async () => {
    const request = arpFrame({ src: of.dvrMac('cn2'), dst: kBroadcast, senderMac: of.gatewayMac('red'), senderIp: '10.1.0.1', targetIp: addresses.vm1 });
    expect(await fromCn2(request)).toEqual({ ...nothing, dropped: { 'cn1 dvr_mac_not_to_local_port': 1 } });
  });

  it('checklist 8: a frame from a peer\'s DVR MAC to a MAC that is not here reaches no VM', async () => {
    for (const dst of [kUnknownMac, of.mac('vm3'), of.mac('vm4')]) {
      expect(await fromCn2(udpFrame({ src: of.dvrMac('cn2'), dst, ...ips }))).toEqual({ ...nothing, dropped: { 'cn1 dvr_mac_not_to_local_port': 1 } });
    }
  });

  it('checklist 9: one to the MAC of a VM that is here arrives with the gateway\'s MAC as its sender', async () => {
    const { vm1, dropped } = await fromCn2(udpFrame({ src: of.dvrMac('cn2'), dst: of.mac('vm1'), ...ips }));
    expect(vm1[0]).toMatchObject({ srcMac: of.gatewayMac('red'), dstMac: of.mac('vm1'), ip: { src: '10.2.0.12' } });
    expect(dropped).toEqual({});
  });

  it('checklist 10: one that claims this node\'s own DVR MAC reaches nobody and teaches nobody', async () => {
    expect(await fromCn2(udpFrame({ src: of.dvrMac('cn1'), dst: of.mac('vm1'), ...ips })))
      .toEqual({ ...nothing, dropped: { 'cn1 own_dvr_mac_from_tunnel': 1 } });
    expect((await rows('cn1', 'ucast_to_tun')).filter(({ mac }) => mac === of.dvrMac('cn1'))).toEqual([]);
  });

  it('checklist 11: after all this no node looks for any DVR MAC anywhere', async () => {
    for (const node of ['cn1', 'cn2', 'nn1']) {
      const known = [...await rows(node, 'ucast_to_tun'), ...await rows(node, 'switch')].map(({ mac }) => mac);
      expect(known.filter((mac) => of.dvrMacs.includes(String(mac))), node).toEqual([]);
    }
  });

  it('checklist 12: what a VM sends to its gateway\'s MAC first of all is answered on its node, and the wire is silent', async () => {
    const seen = await capture(lab, { wire }, async () => {
      expect(await lab.ping('vm1', '10.1.0.1', { count: 1 })).toBe(1);
      expect(await lab.ping('vm3', '10.1.0.1', { count: 1 })).toBe(1);
    });
    expect(seen.wire).toEqual([]);
  });

  it('checklist 6: a node that leaves takes its DVR MAC out of every node, and brings it back when it returns', async () => {
    const known = async (node: string): Promise<unknown[]> => (await rows(node, 'dvr_macs')).map(({ mac }) => mac);
    const topology = readFileSync(defaultTopologyFile, 'utf8');
    const mac = of.dvrMac('nn1');
    expect(await known('cn1')).toContain(mac);
    await putTopology(topology.replace(/^ {2}nn1:.*$/m, ''));
    for (const node of ['cn1', 'cn2']) await within(`${node} forgets nn1`, async () => !(await known(node)).includes(mac));
    await putTopology(topology);
    for (const node of ['cn1', 'cn2']) await within(`${node} knows nn1 again`, async () => (await known(node)).includes(mac));
  });
});
