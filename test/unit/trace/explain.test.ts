import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explainText } from '../../../src/cli/explain.js';
import { echoFrame } from '../../../src/trace/echo.js';
import { explainPacket } from '../../../src/trace/explain.js';
import { intentOf, type Fault } from '../../../src/trace/explain-model.js';
import { idsOf, macs, viewOf, vms, vteps } from './crafted.js';
import { arpFrame, damaged, tagged, vxlanFrame } from './frames.js';

const views = [viewOf('cn1'), viewOf('cn2'), viewOf('nn1')];
const ids = new Map([['cn1', idsOf('cn1')], ['cn2', idsOf('cn2')]]);
const intent = intentOf(views, ids);
const on = (node: string): typeof intent => intentOf(views, ids, node);

type Vm = keyof typeof vms;
function frame(src: keyof typeof macs, dst: keyof typeof macs, from: Vm, to: Vm, ttl = 64): Buffer {
  return echoFrame({
    srcMac: macs[src],
    dstMac: macs[dst],
    srcIp: vms[from].ip,
    dstIp: vms[to].ip,
    ttl,
    id: 1,
    sequence: 1,
    marker: Buffer.alloc(16),
  });
}
const wire =
  (inner: Buffer, vni = 102, from: string = vteps.cn1, to: string = vteps.cn2, flags?: number): Buffer =>
  vxlanFrame(from, to, vni, inner, flags);
const faultsOf = (data: Buffer, of = intent): readonly Fault[] => explainPacket(data, of).faults;

describe('a packet as the tables intend it has no fault, at every hop of the walk', () => {
  it.each([
    ["vm1's port", frame('vm1', 'r1Red', 'vm1', 'vm2'), on('cn1'), ['EW1', 'EW2'], 'find_router'],
    [
      'the router\'s green device',
      frame('r1Green', 'vm2', 'vm1', 'vm2', 63),
      on('cn1'),
      ['EW3'],
      'switch',
    ],
    [
      'br-int of cn1',
      tagged(2, frame('r1Green', 'vm2', 'vm1', 'vm2', 63)),
      on('cn1'),
      ['EW4'],
      'switch',
    ],
    ['br-tun of cn1', frame('dvrCn1', 'vm2', 'vm1', 'vm2', 63), on('cn1'), ['EW5'], 'ucast_to_tun'],
    [
      'the underlay',
      wire(frame('dvrCn1', 'vm2', 'vm1', 'vm2', 63)),
      intent,
      ['EW5', 'EW6'],
      'ucast_to_tun',
    ],
    ['br-tun of cn2', frame('dvrCn1', 'vm2', 'vm1', 'vm2', 63), on('cn2'), ['EW6'], 'tun_to_lv'],
    [
      'br-int of cn2',
      tagged(8, frame('r1Green', 'vm2', 'vm1', 'vm2', 63)),
      on('cn2'),
      ['EW7'],
      'dvr_to_src_mac',
    ],
    ["vm2's port", frame('r1Green', 'vm2', 'vm1', 'vm2', 63), on('cn2'), ['EW7'], 'dvr_to_src_mac'],
    [
      "vm2's port, or the router's device: nobody says which",
      frame('r1Green', 'vm2', 'vm1', 'vm2', 63),
      intent,
      ['EW3', 'EW7'],
      'dvr_to_src_mac',
    ],
    [
      "vm4's port on its sender's node",
      frame('r1Green', 'vm4', 'vm1', 'vm4', 63),
      on('cn1'),
      ['EW3', "EW7'"],
      'switch',
    ],
    [
      'br-int of that node',
      tagged(2, frame('r1Green', 'vm4', 'vm1', 'vm4', 63)),
      on('cn1'),
      ["EW7'"],
      'switch',
    ],
    [
      'the underlay, inside one network',
      wire(frame('vm1', 'vm3', 'vm1', 'vm3'), 101),
      intent,
      ['L2-2', 'L2-3'],
      'ucast_to_tun',
    ],
    [
      "vm1's port, inside one network",
      frame('vm1', 'vm3', 'vm1', 'vm3'),
      intent,
      ['L2-1', 'L2-4'],
      'switch',
    ],
    [
      'an ARP request',
      arpFrame(1, macs.vm1, '10.1.0.11', '10.1.0.13'),
      intent,
      [],
      'arp_responder',
    ],
  ] as const)('%s', (_, data, of, steps, stage) => {
    expect(explainPacket(data, of)).toMatchObject({ steps, stage, faults: [] });
  });

  it('and reads as a person expects', () => {
    const explained = {
      number: 1,
      timeUs: 0,
      ...explainPacket(wire(frame('dvrCn1', 'vm2', 'vm1', 'vm2', 63)), intent),
    };
    expect(explainText([explained])).toBe(`\
  1  +0.000 ms  ICMP echo request 10.1.0.11 -> 10.2.0.12, TTL 63
     at underlay 172.16.0.11 (cn1) -> 172.16.0.12 (cn2), VNI 102 (green)  EW5 or EW6
     stage ucast_to_tun, row of ucast_to_tun: local VLAN 2 (green), fa:16:3e:00:00:02 (vm2) -> 172.16.0.12 (cn2)
1 packet, all as intended`);
  });
});

describe('on the wire, a field that differs is named', () => {
  const routed = frame('dvrCn1', 'vm2', 'vm1', 'vm2', 63);

  it.each([
    [
      'a router MAC as source',
      wire(frame('r1Green', 'vm2', 'vm1', 'vm2', 63)),
      'inner source MAC',
      'fa:16:3f:00:00:01 (DVR MAC of cn1)',
    ],
    [
      "another node's DVR MAC",
      wire(frame('dvrCn2', 'vm2', 'vm1', 'vm2', 63)),
      'inner source MAC',
      'fa:16:3f:00:00:01 (DVR MAC of cn1)',
    ],
    [
      'a router MAC as destination',
      wire(frame('dvrCn1', 'r1Green', 'vm1', 'vm2', 63)),
      'inner destination MAC',
      'fa:16:3e:00:00:02 (vm2)',
    ],
    ["the source network's VNI", wire(routed, 101), 'VNI', '102 (green)'],
    [
      'a VNI of no network',
      wire(frame('dvrCn1', 'dvrNn1', 'vm1', 'vm2', 63), 999),
      'VNI',
      'the VNI of a network',
    ],
    ['a TTL that no router took down', wire(frame('dvrCn1', 'vm2', 'vm1', 'vm2')), 'TTL', '63'],
    [
      'the wrong node',
      wire(routed, 102, vteps.cn1, vteps.nn1),
      'outer destination IP',
      '172.16.0.12 (cn2)',
    ],
    [
      'a stranger as sender',
      wire(routed, 102, '192.0.2.7'),
      'outer source IP',
      'a VTEP of the cluster',
    ],
    [
      'flags of another protocol',
      wire(routed, 102, vteps.cn1, vteps.cn2, 0x0c),
      'VXLAN flags',
      '0x08',
    ],
    ['a local VLAN left in', wire(tagged(2, routed)), 'inner 802.1Q tag', 'none'],
    [
      'a spoofed address',
      wire(frame('vm1', 'vm3', 'vm2', 'vm3'), 101),
      'source IP',
      '10.1.0.11 or fd01::11',
    ],
    [
      'a port of another node as source',
      wire(frame('vm3', 'vm1', 'vm3', 'vm1'), 101, vteps.nn1, vteps.cn1),
      'inner source MAC',
      'the MAC of a port of nn1',
    ],
    [
      'an ARP request every node can answer',
      wire(arpFrame(1, macs.vm1, '10.1.0.11', '10.1.0.13'), 101),
      'ARP or ND target',
      'an answer on the node itself',
    ],
  ])('%s', (_, data, field, expected) => {
    expect(faultsOf(data)).toEqual([expect.objectContaining({ field, expected })]);
  });

  it('an unknown MAC that looks like a DVR MAC is called one', () => {
    const strange = Buffer.from(routed);
    strange.set([0xfa, 0x16, 0x3f, 0x99, 0x99, 0x99], 6);
    expect(faultsOf(wire(strange))).toEqual([
      expect.objectContaining({
        field: 'inner source MAC', why: 'unknown DVR MAC: no node of the cluster has it',
      }),
    ]);
  });

  it('the owner of an interop VTEP may have MACs nobody here knows', () => {
    const strange = frame('vm1', 'vm1', 'vm1', 'vm1');
    strange.set([2, 0, 0, 0, 0, 1], 6);
    expect(faultsOf(wire(strange, 101, vteps.leaf1, vteps.cn1))).toEqual([]);
  });
});

describe('on a node, a field that differs is named', () => {
  it.each([
    [
      "the wrong network's gateway MAC",
      frame('r1Red', 'vm2', 'vm1', 'vm2', 63),
      on('cn2'),
      'source MAC',
      'fa:16:3e:00:02:01 (r1-green-mac)',
    ],
    [
      'a frame to another network past the gateway',
      frame('vm1', 'vm2', 'vm1', 'vm2'),
      on('cn1'),
      'destination MAC',
      'fa:16:3e:00:01:01 (r1-red-mac)',
    ],
    [
      'a DVR MAC that br-int did not turn back',
      tagged(8, frame('dvrCn1', 'vm2', 'vm1', 'vm2', 63)),
      on('cn2'),
      'source MAC',
      'fa:16:3e:00:02:01 (r1-green-mac)',
    ],
    [
      "another network's local VLAN",
      tagged(1, frame('r1Green', 'vm2', 'vm1', 'vm2', 63)),
      on('cn1'),
      'local VLAN',
      'local VLAN 2 (green)',
    ],
    [
      'a local VLAN of no network',
      tagged(99, frame('r1Green', 'vm2', 'vm1', 'vm2', 63)),
      on('cn1'),
      'local VLAN',
      'a local VLAN of the node',
    ],
    [
      "somebody else's MAC",
      frame('r1Green', 'vm4', 'vm1', 'vm2', 63),
      on('cn1'),
      'destination MAC',
      'fa:16:3e:00:00:02 (vm2)',
    ],
    [
      'a forged ARP answer',
      arpFrame(2, macs.vm1, '10.1.0.13', '10.1.0.11', macs.vm3),
      intent,
      'ARP sender MAC',
      'fa:16:3e:00:00:03 (vm3)',
    ],
  ])('%s', (_, data, of, field, expected) => {
    expect(faultsOf(data, of)).toEqual([expect.objectContaining({ field, expected })]);
  });
});

describe('any bytes', () => {
  it('are explained without a crash', () => {
    const whole = wire(frame('dvrCn1', 'vm2', 'vm1', 'vm2', 63));
    fc.assert(
      fc.property(fc.oneof(
        damaged(whole), fc.uint8Array({ maxLength: 120 }),
      ), (bytes) => explainPacket(bytes, intent).hop !== ''),
      { numRuns: 1000 },
    );
  });
});

describe('a packet on its way outside', () => {
  const gateway = {
    network: 'ext', snat: true, snatPath: 'router', node: 'nn1', mac: 'fa:16:3e:00:07:01', addresses: ['203.0.113.20/24'], snatPorts: [],
  } as const;
  const router = { id: 'r1', interfaces: [], routes: [], routing: 'auto', gateway } as const;
  const out = views.map((view) => ({ ...view, routers: [router] }));
  const outside = intentOf(out, ids);
  const outward = (srcMac: string, dstMac: string, ttl = 63): Buffer => echoFrame({
    srcMac, dstMac, srcIp: vms.vm1.ip, dstIp: '198.51.100.9', ttl, id: 1, sequence: 1, marker: Buffer.alloc(16),
  });
  const toItself = outward(macs.r1Red, macs.r1Red);
  const crossing = outward(macs.dvrCn1, macs.r1Red);

  it.each([
    ['NS3', 'the router\'s device', toItself, 'cn1', ['NS3'], 'find_router'],
    ['NS4', 'br-int of cn1', tagged(1, toItself), 'cn1', ['NS4'], 'find_router'],
    ['NS5', 'br-tun of cn1', crossing, 'cn1', ['NS5'], 'ucast_to_tun'],
    ['NS6', 'br-tun of nn1', crossing, 'nn1', ['NS6'], 'tun_to_lv'],
    ['NS9', 'br-ex of nn1', outward(gateway.mac, '02:00:00:00:00:10', 61), 'nn1', ['NS9'], 'provider_out'],
  ])('has no fault at %s, %s', (_, __, data, node, steps, stage) => {
    const explained = explainPacket(data, intentOf(out, ids, node));
    expect(explained).toMatchObject({ steps, stage, faults: [] });
  });

  it('crosses the tunnel to the node that does the source NAT, and to no other', () => {
    const explained = explainPacket(wire(crossing, 101, vteps.cn1, vteps.nn1), outside);
    expect(explained).toMatchObject({ steps: ['NS5', 'NS6'], row: { table: 'snat_gateways', value: 'the VTEP of nn1' }, faults: [] });
    expect(faultsOf(wire(crossing, 101, vteps.cn1, vteps.cn2), outside)).toEqual([
      expect.objectContaining({ field: 'outer destination IP', expected: 'the VTEP of nn1' }),
    ]);
  });

  it('has no business at a router MAC where the router is addressed by its sg- device instead', () => {
    expect(faultsOf(wire(crossing, 101, vteps.cn1, vteps.nn1))).toContainEqual(
      expect.objectContaining({ field: 'inner destination MAC' }));
  });
});
