/**
 * The third flow on real bytes: a VM with a floating IP goes out and is reached by its own node, without the
 * tunnel and the network node. vm1 and vm4 on cn1 and vm2 on cn2 have one; vm3 on cn2 has none.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, hop, names, putTopology, within, type Hop, type Names, type Seen, wire } from '../support/cloud.js';
import { killAndWait } from '../support/facts.js';
import { mainFile } from '../../src/lab/scripts.js';
import { withLab, type Lab } from '../support/lab.js';
import {
  arpAnswers, deviceAt, farHost, host, nothingPrivateOutside, openConnections, outsideNames, type OutsideNames,
  provider, replies, requests, topologyWithOutside, untilPings, upstream, visitorOf,
} from '../support/outside.js';
import { fetchMany, forgetWhatIsOver, manyConnections, manyMs, untilNothingTracked } from '../support/short-connections.js';

const kFips = { vm1: '203.0.113.101', vm2: '203.0.113.102', vm4: '203.0.113.104' } as const;
const topology = (fips: Readonly<Record<string, string>> = kFips): string => topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red, green], gateway: ext } }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ip: 10.2.0.14 }
floating_ips: { ${Object.entries(fips).map(([port, ip]) => `${ip}: { port: ${port} }`).join(', ')} }
`);
const vms = { vm1: '10.1.0.11', vm2: '10.2.0.12', vm3: '10.1.0.13', vm4: '10.2.0.14' } as const;

/** Everything of r1 and of floating IPs on a node that removal must take away again. */
const stateOf = async (lab: Lab, node: string): Promise<string> => {
  const said = await Promise.all([
    lab.exec(`dvr-${node}-qrouter-r1`, ['sh', '-c', 'ip rule; ip route show table all; nft list ruleset']),
    lab.exec(`dvr-${node}-fip-ext`, ['sh', '-c', 'ip route show table all; nft list ruleset']),
  ]);
  return said.map(({ stdout }) => stdout).join('');
};

/** What Linux joins at most, and so what may come. */
const kLargestSuperFrame = 65_536;
const [onVm1, onVm2, onVm4] = [hop.vm('vm1'), hop.vm('vm2'), hop.vm('vm4')];

describe('a VM with a floating IP', () => {
  const lab = withLab(topology());
  nothingPrivateOutside(lab);
  let of: Names;
  let out: OutsideNames;
  let hops: Record<'vm1' | 'qrRed' | 'rfp' | 'fpr' | 'fg' | 'brEx' | 'provider' | 'uplink' | 'wire' | 'snat', Hop>;

  beforeAll(async () => {
    of = await names();
    out = await outsideNames();
    const [qrouter, fip] = ['dvr-cn1-qrouter-r1', 'dvr-cn1-fip-ext'];
    hops = {
      vm1: onVm1, qrRed: hop.qr('cn1', 'red'), rfp: [qrouter, await deviceAt(lab, qrouter, 'rfp'), 'icmp'],
      fpr: [fip, await deviceAt(lab, fip, 'fpr'), 'icmp'], fg: [fip, 'fg-ext', 'icmp'], brEx: hop.brEx('cn1'),
      provider: provider('icmp'), uplink: ['fabric', 'ex0.cn1', 'icmp'], wire, snat: ['dvr-nn1-snat-r1', 'qg-ext', 'icmp'],
    };
    for (const fip of Object.values(kFips)) await untilPings(lab, 'ext', fip);
  });

  const onlyOne = (seen: readonly Seen[], what: object): void => { expect(requests(seen)).toMatchObject([what]); };

  it('checklist 50, 51 and 52: goes out as the floating IP by its own node\'s uplink, and the answer comes the same way', async () => {
    const seen = await capture(lab, hops, async () => { expect(await lab.ping('vm1', farHost, { count: 1 })).toBe(1); }, true);
    const inside = { src: vms.vm1, dst: farHost };
    const outside = { src: kFips.vm1, dst: farHost, vlan: undefined };
    onlyOne(seen.qrRed, { ...inside, srcMac: of.mac('vm1'), dstMac: of.gatewayMac('red'), ttl: 64 });
    onlyOne(seen.rfp, { ...outside, ttl: 63 });
    onlyOne(seen.fpr, { ...outside, ttl: 63 });
    for (const place of [seen.fg, seen.brEx, seen.provider, seen.uplink]) onlyOne(place, { ...outside, srcMac: out.fg('cn1').mac, ttl: 62 });
    const answer = { src: farHost, dst: kFips.vm1 };
    expect(replies(seen.uplink)).toMatchObject([{ ...answer, dstMac: out.fg('cn1').mac, ttl: 63 }]);
    expect(replies(seen.rfp)).toMatchObject([{ ...answer, ttl: 62 }]);
    expect(replies(seen.vm1)).toMatchObject([{ src: farHost, dst: vms.vm1, srcMac: of.gatewayMac('red'), ttl: 61 }]);
    expect([seen.wire, seen.snat]).toEqual([[], []]);
  });

  it('checklist 52: is reached from beyond the router, sees who asks, and answers as the floating IP', async () => {
    const seen = await capture(lab, hops, async () => {
      expect(await lab.ping('ext', kFips.vm1, { count: 1, args: ['-I', farHost] })).toBe(1);
    }, true);
    onlyOne(seen.provider, { src: farHost, dst: kFips.vm1, dstMac: out.fg('cn1').mac, ttl: 63 });
    onlyOne(seen.vm1, { src: farHost, dst: vms.vm1, srcMac: of.gatewayMac('red'), dstMac: of.mac('vm1'), ttl: 61 });
    expect(replies(seen.vm1)).toMatchObject([{ src: vms.vm1, dst: farHost, ttl: 64 }]);
    expect(replies(seen.provider)).toMatchObject([{ src: kFips.vm1, dst: farHost, srcMac: out.fg('cn1').mac, ttl: 62 }]);
    expect([seen.wire, seen.snat]).toEqual([[], []]);
  });

  it('is the floating IP to a server outside, while its neighbour without one is the gateway address', async () => {
    expect(await visitorOf(lab, 'vm1', host)).toBe(kFips.vm1);
    expect(await visitorOf(lab, 'vm2', farHost)).toBe(kFips.vm2);
    expect(await visitorOf(lab, 'vm3', host)).toBe(out.qg.ip);
  });

  it('gets super-frames from outside whole: no device on their way inside is for smaller ones', async () => {
    for (const [place, device] of [hops.fg, hops.fpr, hops.rfp, hops.qrRed]) {
      const { stdout } = await lab.exec(place, ['ip', '-details', '-json', 'link', 'show', 'dev', device]);
      expect(JSON.parse(stdout), device).toMatchObject([{ gso_max_size: kLargestSuperFrame }]);
    }
  });

  it('checklist 64: keeps the source ports of its VM', async () => {
    const { sg, wire: onWire } = await capture(lab, {
      sg: ['dvr-vm1', 'eth0', 'tcp'], wire: provider(`tcp and src host ${kFips.vm1}`),
    }, async () => { await visitorOf(lab, 'vm1', host); await visitorOf(lab, 'vm1', host); }, true);
    const ports = (seen: readonly Seen[], src: string): Set<number | undefined> =>
      new Set(seen.filter(({ ip }) => ip?.src === src).map(({ ip }) => ip?.tcp?.srcPort));
    expect(ports(onWire, kFips.vm1)).toEqual(ports(sg, vms.vm1));
  });

  it.each(['vm1', 'vm2', 'vm4'] as const)('checklist 48: ARP for the address of %s is answered once, by the fg device of its node', async (vm) => {
    expect(await arpAnswers(lab, kFips[vm])).toEqual([out.fg(vm === 'vm2' ? 'cn2' : 'cn1').mac]);
  });

  it('checklist 48: nobody answers ARP for an address that is no one\'s', async () => {
    expect(await arpAnswers(lab, '203.0.113.150')).toEqual([]);
  });

  it('checklist 59: reaches a floating IP of its own node without a packet on any wire, and is seen as its own', async () => {
    const seen = await capture(lab, { vm4: onVm4, provider: hops.provider, wire }, async () => {
      expect(await lab.ping('vm1', kFips.vm4, { count: 1 })).toBe(1);
    }, true);
    onlyOne(seen.vm4, { src: kFips.vm1, dst: vms.vm4, srcMac: of.gatewayMac('green'), ttl: 61 });
    expect([seen.provider, seen.wire]).toEqual([[], []]);
  });

  it('checklist 60: reaches a floating IP of another node over the provider\'s wire, and is seen as its own', async () => {
    const seen = await capture(lab, { vm2: onVm2, provider: hops.provider, wire }, async () => {
      expect(await lab.ping('vm1', kFips.vm2, { count: 1 })).toBe(1);
    }, true);
    onlyOne(seen.provider, { srcMac: out.fg('cn1').mac, dstMac: out.fg('cn2').mac, src: kFips.vm1, dst: kFips.vm2, ttl: 62 });
    onlyOne(seen.vm2, { src: kFips.vm1, dst: vms.vm2, srcMac: of.gatewayMac('green'), ttl: 60 });
    expect(seen.wire).toEqual([]);
  });

  it('checklist 61: is reached by a VM without a floating IP, which it sees as the gateway address', async () => {
    const seen = await capture(lab, { vm1: onVm1, provider: hops.provider }, async () => {
      expect(await lab.ping('vm3', kFips.vm1, { count: 1 })).toBe(1);
    }, true);
    onlyOne(seen.provider, { src: out.qg.ip, dst: kFips.vm1, srcMac: out.qg.mac, dstMac: out.fg('cn1').mac });
    onlyOne(seen.vm1, { src: out.qg.ip, dst: vms.vm1 });
  });

  it('checklist 62: can ping its own floating IP, and sees itself by it', async () => {
    const { vm1 } = await capture(lab, { vm1: onVm1 }, async () => { expect(await lab.ping('vm1', kFips.vm1, { count: 1 })).toBe(1); }, true);
    expect(requests(vm1)).toMatchObject([{ src: vms.vm1, dst: kFips.vm1 }, { src: kFips.vm1, dst: vms.vm1 }]);
  });

  it('checklist 63: can ping the gateway address of its router', async () => {
    expect(await lab.ping('vm1', out.qg.ip)).toBe(3);
  });

  it.each([['vm1', 'vm4', 'onVm4'], ['vm1', 'vm2', 'onVm2']] as const)(
    'checklist 33: %s keeps its fixed address towards the fixed address of %s', async (from, to) => {
      const { target } = await capture(lab, { target: to === 'vm4' ? onVm4 : onVm2 }, async () => {
        expect(await lab.ping(from, vms[to], { count: 1 })).toBe(1);
      });
      onlyOne(target, { src: vms[from], dst: vms[to], ttl: 63 });
    });

  it(`lets ${manyConnections} short TCP connections through, half of them out and half in, and leaves nothing of them`, async () => {
    const half = manyConnections / 2;
    const before = await stateOf(lab, 'cn1');
    await forgetWhatIsOver(lab, 'dvr-cn1-qrouter-r1');
    expect(await fetchMany(lab, 'vm1', host, half)).toEqual({ asked: half, answered: half, visitors: { [kFips.vm1]: half } });
    const server = await lab.start('vm1', [process.execPath, mainFile, 'lab', 'serve']);
    expect(await fetchMany(lab, 'ext', kFips.vm1, half)).toEqual({ asked: half, answered: half, visitors: { [host]: half } });
    server.kill('SIGKILL');
    await untilNothingTracked(lab, 'dvr-cn1-qrouter-r1');
    expect(await stateOf(lab, 'cn1')).toBe(before);
    expect((await lab.exec('dvr-cn1-fip-ext', ['conntrack', '-C'])).stdout.trim()).toBe('0');
  }, manyMs);

  it('checklist 40, 53 and 74: keeps its rules, and says nothing on the wire, when its agent is started again', async () => {
    const before = await stateOf(lab, 'cn1');
    const { arp } = await capture(lab, { arp: provider(`arp and src host ${kFips.vm1}`) }, async () => {
      await killAndWait('agent cn1');
      await within('the lab is whole', async () => (await lab.dvr('lab', 'status')).code === 0);
    });
    expect(await stateOf(lab, 'cn1')).toBe(before);
    expect(arp).toEqual([]);
    expect(await lab.ping('ext', kFips.vm1)).toBe(3);
  });

  it('checklist 66: takes one external address a node', async () => {
    const addresses = ['cn1', 'cn2'].map((node) => out.fg(node).ip);
    expect(new Set([...addresses, out.qg.ip, upstream, host]).size).toBe(5);
    const { stdout } = await lab.exec('dvr-cn1-fip-ext', ['ip', '-brief', '-4', 'address', 'show', 'dev', 'fg-ext']);
    expect(stdout.match(/\d+\.\d+\.\d+\.\d+\//g)).toEqual([`${out.fg('cn1').ip}/`]);
  });
});

describe('a floating IP that comes, moves and goes', () => {
  const lab = withLab(topology({ vm1: kFips.vm1 }));
  nothingPrivateOutside(lab);
  const garp: Hop = provider(`arp and src host ${kFips.vm1}`);
  let out: OutsideNames;
  beforeAll(async () => {
    out = await outsideNames();
    await untilPings(lab, 'ext', kFips.vm1);
  });

  it('checklist 55: moves to another VM of its node, and ARP is right still', async () => {
    await putTopology(topology({ vm4: kFips.vm1 }));
    const { vm4 } = await capture(lab, { vm4: onVm4 }, () => untilPings(lab, 'ext', kFips.vm1));
    await within('vm4 is asked', async () => {
      const again = await capture(lab, { vm4: onVm4 }, () => lab.ping('ext', kFips.vm1, { count: 1 }));
      return requests([...vm4, ...again.vm4]).length > 0;
    });
    expect(await arpAnswers(lab, kFips.vm1)).toEqual([out.fg('cn1').mac]);
    expect(await visitorOf(lab, 'vm4', host)).toBe(kFips.vm1);
    await within('vm1 is the gateway address', async () => (await visitorOf(lab, 'vm1', host)) === out.qg.ip);
  });

  it('checklist 49 and 56: moves to another node, which announces it, while the old one answers no more', async () => {
    const { announced } = await capture(lab, { announced: garp }, async () => {
      await putTopology(topology({ vm2: kFips.vm1 }));
      await within('cn2 answers', async () => (await arpAnswers(lab, kFips.vm1)).join() === out.fg('cn2').mac);
    });
    expect(announced.map(({ srcMac, arp }) => [srcMac, arp?.senderMac, arp?.targetIp]))
      .toContainEqual([out.fg('cn2').mac, out.fg('cn2').mac, kFips.vm1]);
    await untilPings(lab, 'ext', kFips.vm1);
    expect(await visitorOf(lab, 'vm2', host)).toBe(kFips.vm1);
    expect(await stateOf(lab, 'cn1')).not.toContain(kFips.vm1);
  });

  it('checklist 54: is cut at once when it is removed while a connection is open, and nothing leaves by another way', async () => {
    const holder = await lab.start('vm2', [process.execPath, '-e', kHoldOpen, host]);
    const before = await openConnections(lab, 'dvr-cn2-qrouter-r1');
    expect(before.some((line) => line.includes(kFips.vm1))).toBe(true);
    await putTopology(topology({}));
    await within('nobody answers for it', async () => (await arpAnswers(lab, kFips.vm1)).length === 0);
    const { late } = await capture(lab, { late: provider(`tcp and (src host ${kFips.vm1} or src host ${out.qg.ip})`) }, async () => {
      // The connection goes on talking: it must neither leave as the old address nor as the gateway's.
      await new Promise((resolve) => { setTimeout(resolve, 1500); });
    });
    expect(late.filter(({ ip }) => ip?.src === kFips.vm1)).toEqual([]);
    // What the gateway address may send is what a new connection sends, never a segment of the old one.
    expect(late).toEqual([]);
    expect(await openConnections(lab, 'dvr-cn2-qrouter-r1')).toEqual([]);
    expect(await stateOf(lab, 'cn2')).not.toContain(kFips.vm1);
    holder.kill('SIGKILL');
  });

  it('checklist 65: leaves its namespace behind when it was the last, which goes with the gateway', async () => {
    const has = async (): Promise<boolean> => (await lab.exec('cn2', ['ip', 'netns', 'list'])).stdout.includes('fip-ext');
    expect(await has()).toBe(true);
    expect(await visitorOf(lab, 'vm2', host)).toBe(out.qg.ip);
    await putTopology(topology({}).replace(', gateway: ext', ''));
    await within('the FIP namespace is gone', async () => !(await has()));
    await putTopology(topology({ vm1: kFips.vm1 }));
    await untilPings(lab, 'ext', kFips.vm1);
  });
});

/** Opens a connection, says so, and then asks for more every 100 ms, whether or not it is answered. */
const kHoldOpen = `
  const socket = require('node:net').connect(80, process.argv[1], () => {
    console.log('ready');
    setInterval(() => socket.write('GET / HTTP/1.1\\r\\n'), 100);
  });
  socket.on('error', () => {});
`;
