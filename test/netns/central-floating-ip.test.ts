/**
 * Floating IPs that the network node does for others: of a port on a node without a wire to the provider, of one
 * that is unbound, and of one that asks for it.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, hop, mustBeZero, putTopology, within, wire } from '../support/cloud.js';
import { withLab } from '../support/lab.js';
import {
  arpAnswers, host, nothingPrivateOutside, outsideNames, type OutsideNames, provider, requests, topologyWithOutside, untilPings, visitorOf,
} from '../support/outside.js';

const kFips = { inner: '203.0.113.101', asked: '203.0.113.102', late: '203.0.113.103' } as const;
const topology = (placement = ''): string => topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red], gateway: ext } }
ports:
  inner: { network: red, node: cn2, ip: 10.1.0.11 }
  asked: { network: red, node: cn1, ip: 10.1.0.12 }
  late: { network: red, ip: 10.1.0.13 }
floating_ips:
  ${kFips.inner}: { port: inner }
  ${kFips.asked}: { port: asked${placement} }
  ${kFips.late}: { port: late }
`, { nodes: { cn2: { vtep: '172.16.0.12' } } });

describe('a floating IP that the network node does', () => {
  const lab = withLab(topology(', placement: central'));
  nothingPrivateOutside(lab);
  let out: OutsideNames;
  beforeAll(async () => {
    out = await outsideNames();
    await untilPings(lab, 'ext', kFips.inner);
    await untilPings(lab, 'ext', kFips.asked);
  });

  it.each(['inner', 'asked'] as const)('checklist 68: that of %s is answered for by the qg device, and crosses the tunnel', async (vm) => {
    expect(await arpAnswers(lab, kFips[vm])).toEqual([out.qg.mac]);
    const seen = await capture(lab, { vm: hop.vm(vm), provider: provider('icmp'), wire }, async () => {
      expect(await lab.ping('ext', kFips[vm], { count: 1 })).toBe(1);
    }, true);
    expect(requests(seen.provider)).toMatchObject([{ src: host, dst: kFips[vm], dstMac: out.qg.mac }]);
    expect(requests(seen.vm)).toMatchObject([{ src: host, srcMac: out.sg('red').mac }]);
    expect(seen.wire.length).toBeGreaterThan(0);
  });

  it.each(['inner', 'asked'] as const)('is what %s is to a server outside', async (vm) => {
    expect(await visitorOf(lab, vm, host)).toBe(kFips[vm]);
  });

  it('checklist 67: that of a port which is nowhere is answered for, and moves to the node where the VM appears', async () => {
    expect(await arpAnswers(lab, kFips.late)).toEqual([out.qg.mac]);
    mustBeZero(await lab.dvr('port', 'attach', 'late', '--node', 'cn1', '--pid', `${(await lab.start('fabric', ['unshare', '--net', 'sh', '-c', 'echo ready; exec sleep infinity'])).pid}`));
    await within('cn1 answers', async () => (await arpAnswers(lab, kFips.late)).join() === out.fg('cn1').mac);
    await untilPings(lab, 'ext', kFips.late);
  });

  it('moves to the port\'s own node when it may be distributed', async () => {
    await putTopology(topology());
    await within('cn1 answers', async () => (await arpAnswers(lab, kFips.asked)).join() === out.fg('cn1').mac);
    await untilPings(lab, 'ext', kFips.asked);
    expect(await visitorOf(lab, 'asked', host)).toBe(kFips.asked);
  });
});
