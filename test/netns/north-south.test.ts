/**
 * The seed's second flow on real bytes: vm3 on cn2, which has no floating IP, to an address beyond the
 * provider's router and back, by the SNAT namespace on nn1. One ping, captured at every hop at the same time,
 * shows NS1 to NS9 and the way back; by either path to source NAT. A network that only cn2 has comes first in
 * its local VLANs, so that red's number differs between the nodes and a mix-up would show.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, drops, dropsSince, hop, innerOf, names, neighbours, putTopology, routing, sendFrames, sendToVtep, within, type Hop, type Names, type Seen, wayOf, wire } from '../support/cloud.js';
import { ethernet, udpFrame, vxlan } from '../support/frames.js';
import { withLab, type Lab } from '../support/lab.js';
import {
  deviceAt, type EchoFacts, farHost, host, nothingPrivateOutside, openConnections, outsideNames, type OutsideNames,
  provider, replies, requests, topologyWithOutside, upstream, untilPings, visitorOf,
} from '../support/outside.js';
import { ipv4 } from '../support/ip-packets.js';
import { fetchMany, fewConnections, forgetWhatIsOver, manyConnections, manyMs, untilNothingTracked } from '../support/short-connections.js';

type SnatPath = 'router' | 'direct';
const topology = (snatPath: SnatPath, gateway = `, gateway: { network: ext, snat_path: ${snatPath} }`): string => topologyWithOutside(`
networks:
  blue: { vni: 103, subnets: [10.3.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red, green]${gateway} } }
ports:
  vm0: { network: blue, node: cn2, ip: 10.3.0.10 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ip: 10.2.0.14 }
  vm5: { network: red, node: nn1, ip: 10.1.0.15 }
`);
const kVm3 = '10.1.0.13';
const kRed = 101;

const hops = {
  vm3: hop.vm('vm3'),
  brInt2: hop.brInt('cn2'),
  qrRed2: hop.qr('cn2', 'red'),
  brTun2: hop.brTun('cn2'),
  wire,
  brTunN: hop.brTun('nn1'),
  brIntN: hop.brInt('nn1'),
  qrRedN: hop.qr('nn1', 'red'),
  sg: ['dvr-nn1-snat-r1', 'sg-red', 'icmp'],
  qg: ['dvr-nn1-snat-r1', 'qg-ext', 'icmp'],
  brExN: hop.brEx('nn1'),
  provider: provider('icmp'),
  far: ['ext', 'beyond', 'icmp'],
} as const satisfies Record<string, Hop>;

/** The addresses of the answers to pings with this and the next TTLs, in order: a traceroute. */
async function hopsTo(lab: Lab, from: string, to: string, count: number): Promise<string[]> {
  const seen: string[] = [];
  for (let ttl = 1; ttl <= count; ttl++) {
    const { stdout } = await lab.exec(from, ['ping', '-c', '1', '-W', '2', '-t', `${ttl}`, to]);
    seen.push(/^From (\S+)/m.exec(stdout)?.[1] ?? /bytes from ([^:\s]+)/.exec(stdout)?.[1] ?? 'nobody');
  }
  return seen;
}

/** Every entry of conntrack, rules and routes of the router's namespaces, by lines; without ages and counts. */
const rulesOf = async (lab: Lab, place: string): Promise<string> =>
  (await lab.exec(place, ['sh', '-c', 'ip rule; ip route show table all; nft list ruleset'])).stdout;

describe.each<SnatPath>(['router', 'direct'])('a ping from a VM without a floating IP, with snat_path %s', (snatPath) => {
  const lab = withLab(topology(snatPath));
  nothingPrivateOutside(lab);
  const viaRouter = snatPath === 'router';
  let seen: Record<keyof typeof hops, Seen[]>;
  let of: Names;
  let out: OutsideNames;
  /** What the network node's router takes off the TTL, where it is crossed. */
  const extra = viaRouter ? 1 : 0;
  const there = (facts: Partial<EchoFacts>): object => ({ src: kVm3, dst: farHost, vlan: undefined, ...facts });
  const back = (facts: Partial<EchoFacts>): object => ({ src: farHost, dst: kVm3, vlan: undefined, ...facts });

  beforeAll(async () => {
    of = await names();
    out = await outsideNames();
    await untilPings(lab, 'vm3', farHost);
    seen = await capture(lab, hops, async () => { expect(await lab.ping('vm3', farHost, { count: 1 })).toBe(1); }, true);
  });

  it('has local VLANs for red that differ between the nodes', () => {
    expect(of.localVlan('cn2', 'red')).not.toBe(of.localVlan('nn1', 'red'));
  });

  it('NS1: br-int on cn2 gets the frame for the gateway with red\'s local VLAN', () => {
    const frame = { srcMac: of.mac('vm3'), dstMac: of.gatewayMac('red'), ttl: 64 };
    expect(requests(seen.vm3)).toEqual([there(frame)]);
    expect(requests(seen.brInt2)[0]).toEqual(there({ ...frame, vlan: of.localVlan('cn2', 'red') }));
  });

  it('NS2 and NS3: the router namespace on cn2 puts it out of the same interface it came by', () => {
    const next = viaRouter ? of.gatewayMac('red') : out.sg('red').mac;
    expect(requests(seen.qrRed2)).toEqual([
      there({ srcMac: of.mac('vm3'), dstMac: of.gatewayMac('red'), ttl: 64 }),
      there({ srcMac: of.gatewayMac('red'), dstMac: next, ttl: 63 }),
    ]);
  });

  it('NS4: br-int on cn2 switches it towards br-tun with red\'s local VLAN', () => {
    expect(requests(seen.brInt2).slice(1)).toEqual([there({
      srcMac: of.gatewayMac('red'), dstMac: viaRouter ? of.gatewayMac('red') : out.sg('red').mac, ttl: 63, vlan: of.localVlan('cn2', 'red') })]);
  });

  it('NS5: br-tun on cn2 makes the DVR MAC its source, and the wire carries it with red\'s VNI to nn1', () => {
    const inner = { srcMac: of.dvrMac('cn2'), dstMac: viaRouter ? of.gatewayMac('red') : out.sg('red').mac };
    expect(requests(seen.brTun2)).toEqual([there({ ...inner, ttl: 63 })]);
    expect(seen.wire.filter(({ ip }) => ip?.src === of.vtep('cn2'))).toMatchObject([
      { ip: { dst: of.vtep('nn1'), vxlan: { vni: kRed, inner: { ...inner, ip: { src: kVm3, dst: farHost, ttl: 63 } } } } }]);
  });

  it('NS6: br-tun on nn1 has it out of the tunnel, still with the DVR MAC', () => {
    const dstMac = viaRouter ? of.gatewayMac('red') : out.sg('red').mac;
    expect(requests(seen.brTunN)).toEqual([there({ srcMac: of.dvrMac('cn2'), dstMac, ttl: 63 })]);
  });

  it('NS7: br-int on nn1 makes red\'s gateway MAC its source, in nn1\'s own local VLAN', () => {
    const dstMac = viaRouter ? of.gatewayMac('red') : out.sg('red').mac;
    expect(requests(seen.brIntN).at(viaRouter ? -2 : -1)).toEqual(there({ srcMac: of.gatewayMac('red'), dstMac, ttl: 63, vlan: of.localVlan('nn1', 'red') }));
  });

  it('NS8: it comes to the sg device, by the router namespace on nn1 where the path is the seed\'s', () => {
    const toSg = there({ srcMac: of.gatewayMac('red'), dstMac: out.sg('red').mac, ttl: 63 - extra });
    expect(requests(seen.qrRedN)).toEqual(viaRouter
      ? [there({ srcMac: of.gatewayMac('red'), dstMac: of.gatewayMac('red'), ttl: 63 }), toSg] : []);
    expect(requests(seen.sg)).toEqual([toSg]);
  });

  it('NS9 and checklist 38: it leaves with the gateway address as its source, untagged, towards the provider\'s router', () => {
    const frame = { srcMac: out.qg.mac, src: out.qg.ip, dst: farHost, vlan: undefined, ttl: 62 - extra };
    expect(requests(seen.qg)).toMatchObject([frame]);
    expect(requests(seen.brExN)).toMatchObject([frame]);
    expect(requests(seen.provider)).toMatchObject([frame]);
    expect(requests(seen.far)).toMatchObject([{ src: out.qg.ip, ttl: 61 - extra }]);
  });

  it('comes back to the gateway address, and leaves the SNAT namespace for the VM itself', () => {
    const reply = { dstMac: out.qg.mac, src: farHost, dst: out.qg.ip, ttl: 63 };
    expect(replies(seen.provider)).toMatchObject([reply]);
    expect(replies(seen.qg)).toMatchObject([reply]);
    expect(replies(seen.sg)).toEqual([back({ srcMac: out.sg('red').mac, dstMac: of.mac('vm3'), ttl: 62 })]);
    expect(seen.wire.filter(({ ip }) => ip?.src === of.vtep('nn1'))).toMatchObject([
      { ip: { dst: of.vtep('cn2'), vxlan: { vni: kRed, inner: { srcMac: out.sg('red').mac, dstMac: of.mac('vm3') } } } }]);
  });

  it('checklist 41: the answer has the sg device\'s MAC as its source when it reaches the VM', () => {
    expect(replies(seen.vm3)).toEqual([back({ srcMac: out.sg('red').mac, dstMac: of.mac('vm3'), ttl: 62 })]);
  });

  it('checklist 42: the way back enters no router namespace', () => {
    expect([replies(seen.qrRed2), replies(seen.qrRedN)]).toEqual([[], []]);
  });

  it(`checklist 39: a trace shows ${viaRouter ? 'the gateway twice, then' : 'the gateway, then'} the sg address; no redirect reaches the VM`, async () => {
    const { vm3 } = await capture(lab, { vm3: hops.vm3 }, async () => {
      const gateway = viaRouter ? ['10.1.0.1', '10.1.0.1'] : ['10.1.0.1'];
      const expected = [...gateway, out.sg('red').ip, upstream, farHost];
      expect(await hopsTo(lab, 'vm3', farHost, expected.length)).toEqual(expected);
    });
    expect(vm3.filter(({ ip }) => ip?.icmp?.type === 5)).toEqual([]);
  });

  it.each(['vm4', 'vm5'])('takes %s out as well: of another network, and on the network node itself', async (vm) => {
    expect(await lab.ping(vm, farHost)).toBe(3);
    expect(await visitorOf(lab, vm, host)).toBe(out.qg.ip);
  });

  it(`checklist 2: to a router MAC the wire carries ${viaRouter ? 'what is for source NAT alone, from a DVR MAC' : 'nothing'}`, () => {
    const toRouters = innerOf(seen.wire).filter(({ dstMac }) => of.routerMacs.includes(dstMac));
    expect(toRouters.map(({ srcMac, dstMac, ip }) => [srcMac, dstMac, ip?.dst]))
      .toEqual(viaRouter ? [[of.dvrMac('cn2'), of.gatewayMac('red'), farHost]] : []);
  });

  it('checklist 2: a node without the router\'s source NAT takes no such frame', async () => {
    const before = await drops();
    const frame = udpFrame({ src: of.dvrMac('cn2'), dst: of.gatewayMac('red'), from: kVm3, to: farHost });
    const { qr } = await capture(lab, { qr: hop.qr('cn1', 'red') }, () => sendToVtep(lab, 'cn2', of.vtep('cn1'), [vxlan(kRed, frame)]), true);
    expect(qr).toEqual([]);
    expect(await dropsSince(before)).toEqual({ 'cn1 no_snat_here': 1 });
  });

  it('checklist 22: the sg device is a permanent neighbour of every copy, by the MAC of the path', async () => {
    const { ip, mac } = out.sg('red');
    for (const node of ['cn1', 'cn2']) {
      expect(await neighbours(lab, node)).toContain(`${ip} ${viaRouter ? of.gatewayMac('red') : mac}`);
    }
    expect(await neighbours(lab, 'nn1')).toContain(`${ip} ${mac}`);
  });

  it('checklist 43: each subnet has one address for its sg device, and that device has it', async () => {
    expect(out.gateway.snatPorts.map(({ network, addresses }) => [network, addresses.length]).sort()).toEqual([['green', 1], ['red', 1]]);
    const { stdout } = await lab.exec('dvr-nn1-snat-r1', ['ip', '-brief', '-4', 'address']);
    for (const network of ['red', 'green']) expect(stdout).toMatch(new RegExp(`sg-${network}\\S* .*${out.sg(network).ip}/24`));
  });

  it('checklist 63: a VM without a floating IP can ping its own router\'s gateway address', async () => {
    expect(await lab.ping('vm3', out.qg.ip)).toBe(3);
  });

  it('checklist 44: a TCP segment of no connection leaves neither with its private source nor with another', async () => {
    const ack = Buffer.from('1f90005000000001000000015010ffff00000000', 'hex');
    const packet = ipv4({ from: kVm3, to: farHost, protocol: 6, payload: ack });
    const seg = ethernet({ src: of.mac('vm3'), dst: of.gatewayMac('red') }, 0x0800, packet);
    const mid = await capture(lab, { sg: ['dvr-nn1-snat-r1', 'sg-red', 'tcp'], provider: provider('tcp') },
      async () => { await sendFrames(lab, 'vm3', [seg, seg, seg]); }, true);
    expect(mid.sg).toHaveLength(3);
    expect(mid.provider).toEqual([]);
  });

  const connections = viaRouter ? manyConnections : fewConnections;
  it(`lets ${connections} short TCP connections out as the gateway address and leaves nothing of them`, async () => {
    const places = ['dvr-nn1-snat-r1', 'dvr-cn2-qrouter-r1', 'dvr-nn1-qrouter-r1'];
    const before = await Promise.all(places.map((place) => rulesOf(lab, place)));
    await forgetWhatIsOver(lab, 'dvr-nn1-snat-r1');
    expect(await fetchMany(lab, 'vm3', host, connections))
      .toEqual({ asked: connections, answered: connections, visitors: { [out.qg.ip]: connections } });
    await untilNothingTracked(lab, 'dvr-nn1-snat-r1');
    expect(await openConnections(lab, 'dvr-cn2-qrouter-r1')).toEqual([]);
    expect(await Promise.all(places.map((place) => rulesOf(lab, place)))).toEqual(before);
  }, manyMs);

  it.runIf(routing === 'auto')('is no reason for a router that routes by itself to leave the fast way east-west', async () => {
    await within('r1 is fast on cn2', async () => (await wayOf('cn2')).startsWith('fast'));
  });

  it('checklist 46: clearing the gateway takes rules, devices and the SNAT namespace away; setting it again brings them back', async () => {
    const rule = async (): Promise<boolean> => /from 10\.1\.0\./.test((await lab.exec('dvr-cn2-qrouter-r1', ['ip', 'rule'])).stdout);
    expect(await rule()).toBe(true);
    await putTopology(topology(snatPath, ''));
    await within('the rules are gone', async () => !(await rule()));
    await within('the SNAT namespace is gone', async () => (await lab.exec('nn1', ['ip', 'netns', 'list'])).stdout.includes('snat-r1') === false);
    await within('rfp is gone', async () => (await lab.exec('cn2', ['ip', '-n', 'qrouter-r1', 'link'])).stdout.includes('rfp') === false);
    expect(await lab.ping('vm3', farHost, { count: 1, args: ['-W', '1'] })).toBe(0);
    await putTopology(topology(snatPath));
    await untilPings(lab, 'vm3', farHost);
    expect(await deviceAt(lab, 'dvr-cn2-qrouter-r1', 'rfp')).not.toBe('');
  });
});
