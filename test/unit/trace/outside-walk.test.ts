/** Walks that leave the cloud and come in: by source NAT, by floating IP, and between floating IPs. */
import { describe, expect, it } from 'vitest';
import { icmpTypes } from '../../../src/trace/frame.js';
import { beginsOutside, outsideEnds, withFloatingIp } from '../../../src/trace/ends.js';
import { namesOf } from '../../../src/trace/names.js';
import { walkOf } from '../../../src/trace/walk.js';
import type { Walk, WalkEnd } from '../../../src/trace/walk-model.js';
import { inputOf, PassageBuilder, vms, vteps } from './crafted.js';
import {
  byBrEx, ext, far, outside, outsideTraceOf, outsideViewOf, redirectedToSnat, redirectedToTunnel, toRouterForOutside, toVm1,
} from './crafted-outside.js';

const placesOf = ({ steps }: Pick<Walk, 'steps'>): string[] => steps.map(({ step, place, node }) => `${step} ${place} ${node}`);
const changesOf = ({ steps }: Pick<Walk, 'steps'>, step: string): string[] =>
  steps.filter((one) => one.step === step).flatMap(({ changes }) => changes.map(({ field, before, after }) => `${field}: ${before} -> ${after}`));
const as = (ip: string): WalkEnd => ({ ip });

describe('the walk of a packet out by source NAT', () => {
  const out = { from: vms.vm3, to: far };
  const nn1 = outsideTraceOf('nn1', ...redirectedToSnat(out),
    byBrEx({ from: as(outside.gateway), to: far }, 3, 190, [ext.qg, ext.uplink], ['qg', 'upstream', 61]));
  const walk = walkOf(inputOf(vms.vm3, far, [outsideTraceOf('cn2', ...redirectedToTunnel(out)), nn1, outsideTraceOf('cn1')]));

  it('is the seed\'s nine steps, in the seed\'s places, and ends on the provider\'s wire', () => {
    expect(placesOf(walk)).toEqual([
      'NS1 br-int cn2', 'NS2 router namespace r1 cn2', 'NS3 router namespace r1 cn2', 'NS4 br-int cn2', 'NS5 br-tun cn2',
      'NS6 br-tun nn1', 'NS7 br-int nn1', 'NS8 router namespace r1 nn1', 'NS8 br-int nn1', 'NS9 SNAT namespace nn1', "NS9' br-ex nn1",
    ]);
    expect(walk.outcome).toEqual({ kind: 'delivered', to: '198.51.100.9, outside, by the provider\'s wire physnet1', node: 'nn1' });
  });

  it('shows the addresses before and after the SNAT namespace', () => {
    expect(changesOf(walk, 'NS9')).toEqual(['source: 10.1.0.13 (vm3) -> 203.0.113.20 (gateway address of r1)', 'TTL: 62 -> 61']);
  });

  it('shows the answer back by the SNAT namespace and inside the VM\'s own network', () => {
    const back = { from: far, to: vms.vm3, type: icmpTypes.echoReply };
    const there = nn1.records;
    const home = new PassageBuilder(back, 5, ext.sg, 240, { src: 'sgRed', dst: 'vm3', ttl: 62 }).through(
      ['classify', 'arp_responder', { localVlan: 4 }], ['arp_responder', 'find_router'], ['find_router', 'dvr_process'],
      ['dvr_process', 'ucast_to_tun'], ['ucast_to_tun', 'vxlan_encap', { vtep: vteps.cn2 }],
      ['vxlan_encap', 'output', { localVlan: 0, vni: 101, outPort: 1 }]);
    const atCn2 = new PassageBuilder(back, 3, 1, 300, { src: 'sgRed', dst: 'vm3', ttl: 62, vtep: vteps.nn1 }).through(
      ['vxlan_decap', 'tun_to_lv', { vni: 101 }], ['tun_to_lv', 'classify', { vni: 0, localVlan: 7 }], ['classify', 'arp_responder'],
      ['arp_responder', 'find_router'], ['find_router', 'switch'], ['switch', 'output', { outPort: 16 }]);
    const answered = outsideTraceOf('nn1',
      byBrEx({ ...back, to: as(outside.gateway) }, 4, 230, [ext.uplink, ext.qg], ['upstream', 'qg', 63]), home);
    const both = walkOf(inputOf(vms.vm3, far, [
      outsideTraceOf('cn2', ...redirectedToTunnel(out), atCn2), { ...answered, records: [...there, ...answered.records] },
    ]), { both: true });
    expect(placesOf(both.reply ?? { steps: [] })).toEqual([
      'NB1 br-ex nn1', 'NB2 SNAT namespace nn1', 'L2-1 br-int nn1', 'L2-2 br-tun nn1', 'L2-3 br-tun cn2', 'L2-4 br-int cn2']);
    expect(changesOf(both.reply ?? { steps: [] }, 'NB2')).toContain('destination: 203.0.113.20 (gateway address of r1) -> 10.1.0.13 (vm3)');
    expect(both.reply?.outcome).toMatchObject({ kind: 'delivered', to: 'vm3' });
  });

  it('says that the SNAT namespace kept it, and where to look, when nothing comes out', () => {
    const kept = walkOf(inputOf(vms.vm3, far, [outsideTraceOf('cn2', ...redirectedToTunnel(out)), outsideTraceOf('nn1', ...redirectedToSnat(out))]));
    expect(kept.outcome).toMatchObject({ kind: 'lost', step: 'NS8', node: 'nn1', hint: expect.stringContaining('snat-r1 ip route get 198.51.100.9') as string });
  });
});

describe('the walk of a packet by floating IP', () => {
  const out = { from: vms.vm1, to: far };
  const translated = { from: as(outside.fip1), to: far };

  it('goes out by the router namespace and the FIP namespace of its own node', () => {
    const cn1 = outsideTraceOf('cn1', toRouterForOutside(out), byBrEx(translated, 2, 120, [ext.fg, ext.uplink], ['fgCn1', 'upstream', 62]));
    const walk = walkOf(inputOf(vms.vm1, far, [cn1]));
    expect(placesOf(walk)).toEqual(['FO1 br-int cn1', 'FO2 router namespace r1 cn1', 'FO3 FIP namespace ext cn1', 'FO4 br-ex cn1']);
    expect(changesOf(walk, 'FO2')).toEqual(['source: 10.1.0.11 (vm1) -> 203.0.113.101 (floating IP of vm1)']);
    expect(changesOf(walk, 'FO3')).toEqual(['TTL: 64 -> 62']);
    expect(walk.outcome).toMatchObject({ kind: 'delivered', node: 'cn1' });
  });

  it('comes in by br-ex, the FIP namespace and the router namespace', () => {
    const cn1 = outsideTraceOf('cn1', byBrEx({ from: far, to: as(outside.fip1) }, 1, 100, [ext.uplink, ext.fg], ['upstream', 'fgCn1', 64]),
      toVm1({ from: far, to: vms.vm1 }, 2, 120, 62));
    const walk = walkOf(inputOf(far, { ...vms.vm1, ip: outside.fip1 }, [cn1]));
    expect(placesOf(walk)).toEqual(['FI1 br-ex cn1', 'FI2 FIP namespace ext cn1', 'FI3 router namespace r1 cn1', 'FI4 br-int cn1']);
    expect(changesOf(walk, 'FI3')).toEqual(['destination: 203.0.113.101 (floating IP of vm1) -> 10.1.0.11 (vm1)', 'TTL: 64 -> 62']);
    expect(walk.outcome).toEqual({ kind: 'delivered', to: 'vm1', node: 'cn1' });
  });

  it('goes to a floating IP of its own node and back in, without any wire', () => {
    const inward = new PassageBuilder({ from: as(outside.fip1), to: vms.vm4 }, 2, 19, 120, { src: 'r1Green', dst: 'vm4', ttl: 61 })
      .through(['classify', 'arp_responder', { localVlan: 2 }], ['arp_responder', 'find_router'], ['find_router', 'switch'],
        ['switch', 'output', { outPort: 17 }]);
    const walk = walkOf(inputOf(vms.vm1, { ...vms.vm4, ip: outside.fip4 }, [
      outsideTraceOf('cn1', toRouterForOutside({ from: vms.vm1, to: as(outside.fip4) }), inward)]));
    expect(placesOf(walk)).toEqual(['FO1 br-int cn1', 'FO2 router namespace r1 cn1', 'FO3 FIP namespace ext cn1',
      'FI3 router namespace r1 cn1', 'FI4 br-int cn1']);
    expect(walk.outcome).toEqual({ kind: 'delivered', to: 'vm4', node: 'cn1' });
  });

  it('goes to a floating IP of another node over the provider\'s wire, and is lost there until that node has seen it', () => {
    const ends = { from: as(outside.fip1), to: as(outside.fip2) };
    const cn1 = outsideTraceOf('cn1', toRouterForOutside({ from: vms.vm1, to: as(outside.fip2) }),
      byBrEx(ends, 2, 120, [ext.fg, ext.uplink], ['fgCn1', 'fgCn2', 62]));
    const destination = { ...vms.vm2, ip: outside.fip2 };
    expect(walkOf(inputOf(vms.vm1, destination, [cn1, outsideTraceOf('cn2')])).outcome).toMatchObject({ kind: 'lost', missing: 'FI1', node: 'cn1' });
    const cn2 = outsideTraceOf('cn2', byBrEx(ends, 1, 90, [ext.uplink, ext.fg], ['fgCn1', 'fgCn2', 62]),
      new PassageBuilder({ from: as(outside.fip1), to: vms.vm2 }, 2, 19, 110, { src: 'r1Green', dst: 'vm2', ttl: 60 }).through(
        ['classify', 'arp_responder', { localVlan: 8 }], ['arp_responder', 'find_router'], ['find_router', 'switch'],
        ['switch', 'output', { outPort: 17 }]));
    const walk = walkOf(inputOf(vms.vm1, destination, [cn1, cn2]));
    expect(placesOf(walk).slice(3)).toEqual([
      'FO4 br-ex cn1', 'FI1 br-ex cn2', 'FI2 FIP namespace ext cn2', 'FI3 router namespace r1 cn2', 'FI4 br-int cn2']);
    expect(walk.outcome).toEqual({ kind: 'delivered', to: 'vm2', node: 'cn2' });
  });
});

describe('ends that lie outside', () => {
  const names = namesOf([outsideViewOf('cn1'), outsideViewOf('cn2'), outsideViewOf('nn1')]);
  const ports = Object.values(vms).map(({ name, ip, network, node }) => ({ name, network, node, mac: '', ips: [ip] }));

  it('are addresses that no port has', () => {
    expect([beginsOutside(outside.far, ports), beginsOutside('10.1.0.11', ports), beginsOutside('vm1', ports)]).toEqual([true, false, false]);
  });

  it('enter at the node that answers for the address, and mean the port that has it', () => {
    expect(outsideEnds(outside.far, outside.fip2, names, ports)).toMatchObject({
      source: { ip: outside.far, node: 'cn2' }, destination: { name: 'vm2', ip: outside.fip2, node: 'cn2' },
      entrance: { network: 'ext', device: 'fg-ext of cn2' },
    });
    expect(outsideEnds(outside.far, outside.gateway, names, ports)).toMatchObject({ source: { node: 'nn1' }, destination: { ip: outside.gateway } });
  });

  it('cannot reach what is not seen from outside', () => {
    for (const to of ['10.1.0.11', 'vm1', '203.0.113.150']) {
      expect(() => outsideEnds(outside.far, to, names, ports)).toThrow(expect.objectContaining({ code: 'DVR_NOT_FOUND' }));
    }
    expect(() => outsideEnds('10.1.0.99', outside.fip1, names, ports)).toThrow(expect.objectContaining({ code: 'DVR_NOT_FOUND' }));
  });

  it('are known by the port where a VM sends to a floating IP', () => {
    const ends = { source: vms.vm1, sourceMac: '', destination: { ip: outside.fip2 } };
    expect(withFloatingIp(ends, names, ports).destination).toEqual({ ...vms.vm2, ip: outside.fip2 });
    expect(withFloatingIp({ ...ends, destination: far }, names, ports).destination).toEqual(far);
  });
});
