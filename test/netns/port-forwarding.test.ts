/**
 * Single ports of the gateway address, and of a floating IP that is nobody's else, that lead to VMs: by either path
 * to source NAT. vm1 on cn1 has a floating IP as well; vm3 and vm4 have none.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, hop, mustBeZero, names, putTopology, within, type Hop, type Names, type Seen } from '../support/cloud.js';
import { mainFile } from '../../src/lab/scripts.js';
import { withLab } from '../support/lab.js';
import { fetchMany } from '../support/short-connections.js';
import {
  arpAnswers, farHost, host, nothingPrivateOutside, openConnections, outsideNames, type OutsideNames, provider,
  topologyWithOutside, untilPings, visitorOf,
} from '../support/outside.js';

const kFip = '203.0.113.101';
const kShared = '203.0.113.150';
const kForwardings = `, port_forwardings: [
    { protocol: tcp, external_port: 8080, port: vm3, internal_port: 80 },
    { protocol: tcp, external_port: 8081, port: vm1, internal_port: 80 },
    { protocol: udp, external_port: 7007, port: vm4, internal_port: 7007 },
    { protocol: tcp, external_port: 80, floating_ip: ${kShared}, port: vm3, internal_port: 80 }]`;
const topology = (snatPath: string, forwardings = kForwardings): string => topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red, green], gateway: { network: ext, snat_path: ${snatPath} }${forwardings} } }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ip: 10.2.0.14 }
floating_ips: { ${kFip}: { port: vm1 }, ${kShared}: {} }
`);

const tcp = ([place, device]: Hop, port: number): Hop => [place, device, `tcp port ${port}`];
const ends = (seen: readonly Seen[]): string[] => [...new Set(seen.map(({ ip }) => `${ip?.src} > ${ip?.dst}`))].sort();

describe.each(['router', 'direct'])('a port that is forwarded, with snat_path %s', (snatPath) => {
  const lab = withLab(topology(snatPath));
  nothingPrivateOutside(lab);
  let of: Names;
  let out: OutsideNames;

  beforeAll(async () => {
    of = await names();
    out = await outsideNames();
    for (const vm of ['vm1', 'vm3']) await lab.start(vm, [process.execPath, mainFile, 'lab', 'serve']);
    await untilPings(lab, 'ext', out.qg.ip);
    await untilPings(lab, 'vm3', farHost);
  });

  it('leads from outside to its VM, which sees who asks and from which port; outside is nothing private', async () => {
    const hops = { vm: tcp(hop.vm('vm3'), 5555), sg: tcp(['dvr-nn1-snat-r1', 'sg-red'], 5555), provider: tcp(provider(), 5555) };
    const seen = await capture(lab, hops, async () => {
      const asked = ['curl', '--silent', '--max-time', '5', '--local-port', '5555', `http://${out.qg.ip}:8080/`];
      expect(mustBeZero(await lab.exec('ext', asked)).stdout).toBe(`this is 10.1.0.13, you are ${host} port 5555\n`);
    }, true);
    expect(ends(seen.vm)).toEqual([`10.1.0.13 > ${host}`, `${host} > 10.1.0.13`]);
    expect(ends(seen.provider)).toEqual([`${host} > ${out.qg.ip}`, `${out.qg.ip} > ${host}`]);
    expect(new Set(seen.sg.filter(({ ip }) => ip?.dst === '10.1.0.13').map(({ dstMac }) => dstMac))).toEqual(new Set([of.mac('vm3')]));
  });

  it('leads there by a floating IP that is nobody\'s else, which is answered for beside the gateway', async () => {
    expect(await arpAnswers(lab, kShared)).toEqual([out.qg.mac]);
    expect(await visitorOf(lab, 'ext', kShared)).toBe(host);
  });

  it('leads datagrams and their answers', async () => {
    const { result } = await lab.startProbes('ext', 'vm4', out.qg.ip, { count: 20 });
    expect(await result).toMatchObject({ sent: 20, received: 20 });
  });

  it('leads to a VM with a floating IP, which is reached by that as well and goes out as it', async () => {
    expect([await visitorOf(lab, 'ext', `${out.qg.ip}:8081`), await visitorOf(lab, 'ext', kFip)]).toEqual([host, host]);
    expect(await visitorOf(lab, 'vm1', host)).toBe(kFip);
    expect(await arpAnswers(lab, kFip)).toEqual([out.qg.mac]);
  });

  it('leaves source NAT as it is, for the VM that it leads to and for others', async () => {
    expect([await visitorOf(lab, 'vm3', host), await visitorOf(lab, 'vm4', host)]).toEqual([out.qg.ip, out.qg.ip]);
  });

  it('leads VMs behind the router there too, the VM itself among them', async () => {
    for (const [vm, source] of [['vm3', out.qg.ip], ['vm4', out.qg.ip], ['vm1', kFip]] as const) {
      for (const target of [`${out.qg.ip}:8080`, `${out.qg.ip}:8081`, kShared]) {
        expect([vm, target, await visitorOf(lab, vm, target)]).toEqual([vm, target, source]);
      }
    }
  });

  it('is shown in the status', async () => {
    const { stdout } = await lab.dvr('status');
    expect(stdout).toMatch(new RegExp(`r1 +tcp ${out.qg.ip}:8080 +10\\.1\\.0\\.13:80 +vm3`));
    expect(stdout).toMatch(new RegExp(`${kFip} .* nn1, central`));
  });

  it('lets 300 short connections in and leaves nothing of them', async () => {
    expect(await fetchMany(lab, 'ext', kShared, 300)).toEqual({ asked: 300, answered: 300, visitors: { [host]: 300 } });
    // The last to close waits for the last acknowledgement, which is on its way.
    await within('all are closed', async () => (await openConnections(lab, 'dvr-nn1-snat-r1')).length === 0);
    expect(await openConnections(lab, 'dvr-cn2-qrouter-r1')).toEqual([]);
  });

  it('is closed at once when it goes, with what was connected; the floating IP is its VM\'s own node\'s again', async () => {
    const holder = await lab.start('ext', [process.execPath, '-e', kHoldOpen, out.qg.ip, '8080']);
    expect((await openConnections(lab, 'dvr-nn1-snat-r1')).some((line) => line.includes('dport=8080'))).toBe(true);
    const closed = new Promise((resolve) => { holder.once('exit', resolve); });
    await putTopology(topology(snatPath, ''));
    await closed;
    await within('nothing is connected', async () => (await openConnections(lab, 'dvr-nn1-snat-r1')).length === 0);
    expect((await lab.exec('dvr-nn1-snat-r1', ['nft', 'list', 'ruleset'])).stdout).not.toContain('forwarded');
    expect(await arpAnswers(lab, kShared)).toEqual([]);
    await within('cn1 answers for vm1', async () => (await arpAnswers(lab, kFip)).join() === out.fg('cn1').mac);
    await untilPings(lab, 'ext', kFip);
    expect(await visitorOf(lab, 'vm1', host)).toBe(kFip);
  });
});

/** Opens a connection, says so, and then asks for more every 100 ms, until it is told that there is none. */
const kHoldOpen = `
  const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1], () => {
    console.log('ready');
    setInterval(() => socket.write('GET / HTTP/1.1\\r\\n'), 100);
  });
  socket.on('error', () => process.exit(0));
`;
