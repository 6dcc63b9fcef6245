import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { walkText } from '../../../src/cli/walk-text.js';
import { icmpTypes, icmpv6Types } from '../../../src/trace/frame.js';
import { walkOf } from '../../../src/trace/walk.js';
import type { Walk, WalkEnd } from '../../../src/trace/walk-model.js';
import {
  inputOf, PassageBuilder, routedFromTunnel, routedInFastPath, routedToTunnel, toRouter, traceOf, vms, vteps,
} from './crafted.js';

const ends = { from: vms.vm1, to: vms.vm2 };
const cn1 = traceOf('cn1', toRouter(ends), routedToTunnel(ends));
const cn2 = traceOf('cn2', routedFromTunnel(ends));
const nn1 = traceOf('nn1');
const placesOf = ({ steps }: Pick<Walk, 'steps'>): string[] =>
  steps.map(({ step, place, node }) => `${step} ${place} ${node}`);
/** The text a person reads, kept beside this file so that it is read in review. */
const expected = (name: string): string =>
  readFileSync(new URL(`${name}.walk`, import.meta.url), 'utf8').trimEnd();

describe('the walk of a routed packet between two nodes', () => {
  const walk = walkOf(inputOf(vms.vm1, vms.vm2, [cn1, cn2, nn1]));

  it("is the seed's seven steps, in the seed's places", () => {
    expect(placesOf(walk)).toEqual([
      'EW1 br-int cn1', 'EW2 router namespace r1 cn1', 'EW3 router namespace r1 cn1',
      'EW4 br-int cn1', 'EW5 br-tun cn1', 'EW6 br-tun cn2', 'EW7 br-int cn2',
    ]);
    expect(walk.outcome).toEqual({ kind: 'delivered', to: 'vm2', node: 'cn2' });
  });

  it('reads as in east-west.walk', () => expect(walkText(walk)).toBe(expected('east-west')));

  it('shows every stage of a step when asked', () => {
    expect(walkText(walk, { stages: true })).toContain(
      'stage dvr_process -> ucast_to_tun  15.4 µs',
    );
    expect(walk.steps[4]?.stages.map(({ stage }) => stage)).toEqual([
      'dvr_process', 'ucast_to_tun', 'vxlan_encap',
    ]);
  });

  it('does not depend on the order in which nodes answer', () => {
    expect(walkOf(inputOf(vms.vm1, vms.vm2, [nn1, cn2, cn1]))).toEqual(walk);
  });

  it('is the same between IPv6 addresses', () => {
    const [from, to]: WalkEnd[] = [{ ...vms.vm1, ip: 'fd01::11' }, { ...vms.vm2, ip: 'fd02::12' }];
    const v6 = { from: from as WalkEnd, to: to as WalkEnd };
    const nodes = [
      traceOf('cn1', toRouter(v6), routedToTunnel(v6)), traceOf('cn2', routedFromTunnel(v6)),
    ];
    const walked = walkOf(inputOf(v6.from, v6.to, nodes));
    expect(placesOf(walked)).toEqual(placesOf(walk));
    expect(walked.steps[1]?.changes).toEqual([{ field: 'TTL', before: '64', after: '63' }]);
  });
});

describe('the walk of a packet that is routed in the fast path', () => {
  const fast = { ...traceOf('cn1', routedInFastPath(ends)) };
  const why = [{ id: 'r1', way: 'fast', why: 'nobody looks inside' }] as const;
  const walk = walkOf(inputOf(vms.vm1, vms.vm2, [{ ...fast, ids: { ...fast.ids, routers: why } }, cn2]));

  it("is the seed's seven steps too, told from one passage", () => {
    expect(placesOf(walk)).toEqual([
      'EW1 br-int cn1', 'EW2 router r1 cn1', 'EW3 router r1 cn1',
      'EW4 br-int cn1', 'EW5 br-tun cn1', 'EW6 br-tun cn2', 'EW7 br-int cn2',
    ]);
    expect(walk.outcome).toEqual({ kind: 'delivered', to: 'vm2', node: 'cn2' });
  });

  it('reads as in east-west-fast.walk, with the reason for the way', () => {
    expect(walkText(walk)).toBe(expected('east-west-fast'));
  });

  it('on one node ends with EW7 there', () => {
    const local = new PassageBuilder({ from: vms.vm1, to: vms.vm4 }, 1, 16, 100, { src: 'vm1', dst: 'r1Red' }).through(
      ['classify', 'find_router', { localVlan: 1 }], ['find_router', 'route'],
      ['route', 'switch', { src: 'r1Green', dst: 'vm4', ttl: 63, localVlan: 2 }], ['switch', 'output', { outPort: 17 }]);
    const walked = walkOf(inputOf(vms.vm1, vms.vm4, [traceOf('cn1', local)]));
    expect(placesOf(walked)).toEqual(['EW1 br-int cn1', 'EW2 router r1 cn1', 'EW3 router r1 cn1', "EW7' br-int cn1"]);
  });
});

describe('a walk that ends early', () => {
  it('by a drop names the step, the reason, its sentence and where to look', () => {
    const unknown = new PassageBuilder(ends, 2, 19, 115, {
      src: 'r1Green', dst: 'vm2', ttl: 63,
    }).through(
      ['classify', 'arp_responder', { localVlan: 2 }],
      ['arp_responder', 'find_router'],
      ['find_router', 'switch'],
      ['switch', 'dvr_process'],
      ['dvr_process', 'ucast_to_tun', { src: 'dvrCn1' }],
      ['ucast_to_tun', 'drop', { dropReason: 'unknown_unicast' }]);
    const walk = walkOf(
      inputOf(vms.vm1, vms.vm2, [traceOf('cn1', toRouter(ends), unknown), traceOf('cn2')]),
    );
    expect(walk.outcome).toEqual({
      kind: 'dropped',
      step: 'EW5',
      node: 'cn1',
      reason: 'unknown_unicast',
      sentence: 'no node is known to have the destination MAC',
      hint: 'dvr tables: ucast_to_tun',
    });
    expect(walkText(walk)).toContain(
      'DROPPED at EW5 on cn1, unknown_unicast: no node is known to have the destination MAC\n'
        + '  next: dvr tables: ucast_to_tun',
    );
  });

  it('at a router that has no copy on the node is dropped at EW1', () => {
    const nowhere = new PassageBuilder(ends, 1, 16, 0, { src: 'vm1', dst: 'r1Red' }).through(
      ['classify', 'anti_spoof', { localVlan: 1 }],
      ['anti_spoof', 'arp_responder'],
      ['arp_responder', 'find_router'],
      ['find_router', 'drop', { dropReason: 'router_not_here' }]);
    expect(walkOf(inputOf(vms.vm1, vms.vm2, [traceOf('cn1', nowhere)])).outcome).toMatchObject(
      { kind: 'dropped', step: 'EW1', reason: 'router_not_here' },
    );
  });

  it('inside the router is lost at EW2, and the command to try next is told', () => {
    const walk = walkOf(
      inputOf(vms.vm1, vms.vm2, [traceOf('cn1', toRouter(ends)), traceOf('cn2')]),
    );
    expect(walk.outcome).toMatchObject({ kind: 'lost', step: 'EW2', missing: 'EW3', node: 'cn1' });
    expect(walkText(walk)).toContain(
      'next: on cn1: ip netns exec qrouter-r1 ip route get 10.2.0.12',
    );
  });

  it('at an address that nobody has is dropped, whether the router complains soon, late or never', () => {
    const nobody = { ip: '10.2.0.99' };
    const asked = toRouter({ from: vms.vm1, to: nobody });
    const complaint = new PassageBuilder(
      { from: { ip: '10.1.0.1' }, to: vms.vm1, type: icmpTypes.unreachable }, 2, 18, 120,
      { src: 'r1Red', dst: 'vm1' },
    ).through(['classify', 'switch', { localVlan: 1 }], ['switch', 'output', { outPort: 16 }]);
    for (const passages of [[asked], [asked, complaint]]) {
      expect(walkOf(inputOf(vms.vm1, nobody, [traceOf('cn1', ...passages)])).outcome).toEqual({
        kind: 'dropped', step: 'EW2', node: 'cn1', reason: 'unknown_address',
        sentence: 'no port has 10.2.0.99, so router r1 has no neighbour entry for it',
        hint: 'dvr port list',
      });
    }
  });

  it('at a port that is bound to no node says so', () => {
    const unbound = { name: 'vm9', network: 'green', ip: '10.2.0.19' };
    const asked = toRouter({ from: vms.vm1, to: unbound });
    expect(walkOf(inputOf(vms.vm1, unbound, [traceOf('cn1', asked)])).outcome).toMatchObject({
      reason: 'unknown_address', hint: 'dvr port attach vm9 --netns PATH',
    });
  });

  it.each([
    [4, icmpTypes.unreachable, 'no route to the network'],
    [6, icmpv6Types.unreachable, 'no route to the network'],
  ])(
    'because the router refuses over IPv%s says what the router answered',
    (version, type, text) => {
      const [
        from, to,
      ]: WalkEnd[] = version === 4
        ? [vms.vm1, { ip: '192.0.2.1' }]
        : [{ ...vms.vm1, ip: 'fd01::11' }, { ip: '2001:db8::1' }];
      const outward = { from: from as WalkEnd, to: to as WalkEnd };
      const complaint = new PassageBuilder(
        { from: { ip: version === 4 ? '10.1.0.1' : 'fd01::1' }, to: outward.from, type },
        2,
        18,
        120,
        { src: 'r1Red', dst: 'vm1' },
      )
        .through(['classify', 'switch', { localVlan: 1 }], ['switch', 'output', { outPort: 16 }]);
      const walk = walkOf(
        inputOf(outward.from, outward.to, [traceOf('cn1', toRouter(outward), complaint)]),
      );
      expect(walk.outcome).toMatchObject({
        kind: 'dropped',
        step: 'EW2',
        reason: 'router_refused',
        sentence: `router r1 answered: ${text}`,
      });
    });

  it('on the wire is lost after EW5, with the line of the wire printed', () => {
    const walk = walkOf(inputOf(vms.vm1, vms.vm2, [cn1, traceOf('cn2')]));
    expect(walk.outcome).toMatchObject({
      kind: 'lost',
      step: 'EW5',
      missing: 'EW6',
      sentence: 'cn1 sent it to 172.16.0.12; cn2 has not seen it',
    });
    expect(walkText(walk)).toMatch(
      /---- underlay 172.16.0.11 \(cn1\) -> 172.16.0.12 \(cn2\)[^]*LOST on cn1, seen at EW5 and not at EW6/,
    );
  });

  it('at a node that did not answer is not called lost', () => {
    const walk = walkOf(inputOf(vms.vm1, vms.vm2, [cn1], { unanswered: ['cn2'] }));
    expect(walk.outcome).toEqual({ kind: 'unanswered', node: 'cn2' });
    expect(walkText(walk)).toContain('UNANSWERED: cn2 did not say what it saw');
  });

  it('before the first stage is lost at the start', () => {
    expect(walkOf(inputOf(vms.vm1, vms.vm2, [traceOf('cn1'), cn2])).outcome).toMatchObject(
      { kind: 'lost', step: 'start', node: 'cn1' },
    );
  });

  it('in the trace ring says that records are missing', () => {
    const cut = { ...cn1, records: cn1.records.slice(0, -1), lost: 3 };
    const walk = walkOf(inputOf(vms.vm1, vms.vm2, [cut, cn2]));
    expect(walk.outcome).toMatchObject({ kind: 'lost', step: 'EW5', missing: 'vxlan_encap' });
    expect(walk.notes).toEqual(['cn1 lost 3 trace records: steps may be missing']);
  });
});

describe('other walks', () => {
  it('a routed packet on one node goes through the router and never near the tunnel', () => {
    const near = { from: vms.vm1, to: vms.vm4 };
    const back = new PassageBuilder(near, 2, 19, 115, { src: 'r1Green', dst: 'vm4', ttl: 63 })
      .through(['classify', 'arp_responder', { localVlan: 2 }],
      ['arp_responder', 'find_router'],
      ['find_router', 'switch'],
      ['switch', 'output', { outPort: 17 }]);
    const walk = walkOf(inputOf(vms.vm1, vms.vm4, [traceOf('cn1', toRouter(near), back)]));
    expect(placesOf(walk)).toEqual([
      'EW1 br-int cn1', 'EW2 router namespace r1 cn1', 'EW3 router namespace r1 cn1',
      "EW7' br-int cn1",
    ]);
    expect(walkText(walk)).toContain(
      'forwarded to vm4, on this node: no tunnel and no DVR MAC needed',
    );
    expect(walk.outcome).toMatchObject({ kind: 'delivered', to: 'vm4' });
  });

  const inside = { from: vms.vm1, to: vms.vm3 };
  const toTunnel = new PassageBuilder(inside, 1, 16, 0, { src: 'vm1', dst: 'vm3' }).through([
    'classify', 'anti_spoof', { localVlan: 1 },
  ], ['anti_spoof', 'arp_responder'],
    ['arp_responder', 'find_router'],
    ['find_router', 'switch'],
    ['switch', 'dvr_process'],
    ['dvr_process', 'ucast_to_tun'],
    ['ucast_to_tun', 'vxlan_encap', { vtep: vteps.cn2 }],
    ['vxlan_encap', 'output', { localVlan: 0, vni: 101, outPort: 1 }]);
  const fromTunnel = new PassageBuilder(inside, 9, 1, 50, {
    src: 'vm1', dst: 'vm3', vtep: vteps.cn1,
  }).through(
    ['vxlan_decap', 'tun_to_lv', { vni: 101 }],
    ['tun_to_lv', 'classify', { vni: 0, localVlan: 7 }],
    ['classify', 'arp_responder'],
    ['arp_responder', 'find_router'],
    ['find_router', 'switch'],
    ['switch', 'output', { outPort: 16 }]);

  it('a packet inside one network has steps of its own, and nothing in it changes', () => {
    const walk = walkOf(
      inputOf(vms.vm1, vms.vm3, [traceOf('cn1', toTunnel), traceOf('cn2', fromTunnel)]),
    );
    expect(walkText(walk)).toBe(expected('same-subnet'));
  });

  it('a packet between two ports of one network on one node is one step', () => {
    const vm5 = { ...vms.vm3, node: 'cn1' };
    const local = new PassageBuilder({
      from: vms.vm1, to: vm5,
    }, 1, 16, 0, { src: 'vm1', dst: 'vm3' })
      .through(['classify', 'anti_spoof', { localVlan: 1 }],
      ['anti_spoof', 'switch'],
      ['switch', 'output', { outPort: 17 }]);
    expect(placesOf(walkOf(inputOf(vms.vm1, vm5, [traceOf('cn1', local)])))).toEqual(
      ['L2-1 br-int cn1'],
    );
  });

  describe('to the gateway itself', () => {
    const gateway = { ip: '10.1.0.1' };
    const asked = toRouter({ from: vms.vm1, to: gateway });
    const answer = new PassageBuilder(
      { from: gateway, to: vms.vm1, type: icmpTypes.echoReply }, 2, 18, 120,
      { src: 'r1Red', dst: 'vm1' },
    ).through(['classify', 'switch', { localVlan: 1 }], ['switch', 'output', { outPort: 16 }]);

    it('are delivered at EW2 once the router is seen to answer', () => {
      const walk = walkOf(inputOf(vms.vm1, gateway, [traceOf('cn1', asked, answer)]));
      expect(walk.outcome).toMatchObject({
        kind: 'delivered', to: 'router r1 (10.1.0.1 is its own address)',
      });
    });

    it('are lost while it is not', () => {
      const walk = walkOf(inputOf(vms.vm1, gateway, [traceOf('cn1', asked)]));
      expect(walk.outcome).toMatchObject({
        kind: 'lost', step: 'EW2', sentence: expect.stringContaining('did not answer'),
      });
    });
  });

  it('a packet for an interop VTEP is followed as far as the wire', () => {
    const away = new PassageBuilder(inside, 1, 16, 0, { src: 'vm1', dst: 'vm3', localVlan: 1 })
      .through(['ucast_to_tun', 'vxlan_encap', { vtep: vteps.leaf1 }],
      ['vxlan_encap', 'output', { localVlan: 0, vni: 101, outPort: 1 }]);
    expect(
      walkOf(inputOf(vms.vm1, { ip: '10.1.0.99' }, [traceOf('cn1', away)])).outcome,
    ).toMatchObject(
      { kind: 'delivered', node: 'leaf1' },
    );
  });

  it('the answer is left out, unless it is asked for', () => {
    const back = { from: vms.vm3, to: vms.vm1, type: icmpTypes.echoReply };
    const answer = new PassageBuilder(back, 2, 16, 90, { src: 'vm3', dst: 'vm1' }).through([
      'classify', 'switch', { localVlan: 7 },
    ], ['switch', 'ucast_to_tun'],
      ['ucast_to_tun', 'vxlan_encap', { vtep: vteps.cn1 }],
      ['vxlan_encap', 'output', { localVlan: 0, vni: 101, outPort: 1 }]);
    const arrived = new PassageBuilder(back, 7, 1, 140, { src: 'vm3', dst: 'vm1', vtep: vteps.cn2 })
      .through(['vxlan_decap', 'tun_to_lv', { vni: 101 }],
      ['tun_to_lv', 'classify', { vni: 0, localVlan: 1 }],
      ['classify', 'switch'],
      ['switch', 'output', { outPort: 16 }]);
    const input = inputOf(vms.vm1, vms.vm3, [
      traceOf('cn1', toTunnel, arrived), traceOf('cn2', fromTunnel, answer),
    ]);
    expect(walkOf(input).reply).toBeUndefined();
    const both = walkOf(input, { both: true });
    expect(both.steps).toEqual(walkOf(input).steps);
    expect(both.reply && placesOf(both.reply)).toEqual([
      'L2-1 br-int cn2', 'L2-2 br-tun cn2', 'L2-3 br-tun cn1', 'L2-4 br-int cn1',
    ]);
    expect(both.reply?.outcome).toMatchObject({ kind: 'delivered', to: 'vm1' });
  });
});
