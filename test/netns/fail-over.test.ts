/**
 * Two network nodes and one owner of the router's outside address, whatever dies: checklist 45 and 47. Real
 * processes are killed, real links cut; a TCP stream and 100 probes a second go on through the source NAT meanwhile.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { requireRecord } from '../../src/lab/record.js';
import { decodeFrame } from '../../src/trace/frame.js';
import { mustBeZero, within } from '../support/cloud.js';
import { type Capture, withLab } from '../support/lab.js';
import {
  host, nothingPrivateOutside, outsideNames, secondNetworkNode, topologyWithOutside, untilPings, upstream, visitorOf, type OutsideNames,
} from '../support/outside.js';
import { processesOf, withoutSupervisor } from '../support/processes.js';

const kSent = 60 << 20;
const kProbes = 400;

describe('source NAT with two network nodes', () => {
  const lab = withLab(topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
routers: { r1: { networks: [red, green], gateway: ext } }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ip: 10.2.0.12 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
floating_ips: { 203.0.113.102: { port: vm2 } }
`, { nodes: secondNetworkNode }));
  nothingPrivateOutside(lab);
  let out: OutsideNames;
  const owners: string[] = [];
  const wires = new Map<string, Capture>();

  beforeAll(async () => {
    await untilPings(lab, 'vm1', host);
    out = await outsideNames();
    for (const node of ['nn1', 'nn2']) wires.set(node, await lab.startCapture(node, 'ex0', `outbound and ether src ${out.qg.mac}`, 64));
    owners.push(await owner());
  });

  const owner = async (): Promise<string> =>
    controllerClient().status().then(({ routers }) => routers.find(({ id }) => id === 'r1')?.gateway?.node ?? 'nobody', () => 'nobody');
  const other = (): string => (owners.at(-1) === 'nn1' ? 'nn2' : 'nn1');
  /** Waits until the other node is at work, which everybody agrees on. */
  const untilOther = async (): Promise<void> => {
    const wanted = other();
    await within(`${wanted} is at work`, async () => (await owner()) === wanted);
    owners.push(wanted);
  };
  const port = (node: string): string => requireRecord().plan.outside?.ports.find(({ namespace }) => namespace === `dvr-${node}`)?.port ?? '';
  const wire = (node: string, state: 'up' | 'down') => lab.exec('fabric', ['ip', 'link', 'set', port(node), state]).then(mustBeZero);

  /** Breaks something while probes and a stream go through: what was lost, and that nothing broke for good. */
  const under = async (what: string, breaks: () => Promise<unknown>): Promise<void> => {
    const receiver = await lab.start('ext', [process.execPath, 'test/support/transfer.mjs', 'receive', '5001']);
    let received = '';
    receiver.stdout?.on('data', (chunk: Buffer) => { received += chunk.toString(); });
    const probing = await lab.startProbes('vm3', 'ext', host, { count: kProbes });
    const sending = lab.exec('vm1', [process.execPath, 'test/support/transfer.mjs', 'send', host, '5001', String(kSent)], { timeoutMs: 60_000 });
    await within('the other knows the connection', async () =>
      (await lab.exec(other(), ['ip', 'netns', 'exec', 'snat-r1', 'conntrack', '-L'])).stdout.includes('dport=5001'));
    await breaks();
    const [{ longestLostRun, lost }, sent] = [await probing.result, mustBeZero(await sending)];
    await within('the stream is whole', () => Promise.resolve(received.includes('sha256')));
    const [there, here] = [received, sent.stdout].map((text) => JSON.parse(/\{.*\}/.exec(text)?.[0] ?? '{}') as Record<string, unknown>);
    expect(there?.['sha256']).toBe(here?.['sha256']);
    console.log(`${what}: ${String(longestLostRun * 10)} ms without traffic (${String(lost)} of ${String(kProbes)} probes lost), `
      + `the TCP stream stood still for ${String(Math.round(Number(there?.['worstGapMs'])))} ms and went on`);
    expect(lost).toBeLessThan(kProbes / 2);
  };

  it('is begun by one of them, and the other is ready with the same addresses and MACs', async () => {
    expect(owners).toEqual(['nn1']);
    for (const node of ['nn1', 'nn2']) {
      const { stdout } = await lab.exec(node, ['ip', 'netns', 'exec', 'snat-r1', 'ip', '-br', 'link']);
      expect(stdout).toContain(out.qg.mac);
      expect(stdout).toContain(out.sg('red').mac);
    }
    const asked = await lab.exec('nn2', ['ip', 'netns', 'exec', 'snat-r1', 'ping', '-c', '2', '-i', '0.2', '-W', '1', upstream]);
    expect(asked.stdout).toContain('100% packet loss');
    expect((await lab.dvr('drops')).stdout).toMatch(/gate_closed +0 +0 +\d+ +[1-9]/);
  });

  it('checklist 47: goes on, with its connections, when the gateway falls silent to the node at work', async () => {
    const node = owners.at(-1) ?? '';
    await under(`no gateway for ${node}`, async () => { await wire(node, 'down'); await untilOther(); });
    await wire(node, 'up');
  });

  it('checklist 45, 47: goes on when the node at work is killed, and floating IPs elsewhere do not notice', async () => {
    const node = owners.at(-1) ?? '';
    await withoutSupervisor(async () => {
      const fips = await lab.startProbes('ext', 'vm2', '203.0.113.102', { count: 500 });
      await under(`${node} killed`, async () => {
        for (const pid of processesOf(node)) process.kill(pid, 'SIGKILL');
        await untilOther();
      });
      expect((await fips.result).lost).toBe(0);
    });
    await within('all are back', async () => (await controllerClient().status()).converged);
  });

  it('stays where it is when the two network nodes cannot reach each other', async () => {
    const addresses = new Map(requireRecord().plan.nodes.map(({ name, vtepIp }) => [name, vtepIp]));
    const cut = (verb: 'add' | 'delete') => lab.exec('nn1', ['nft', verb === 'add'
      ? `add table inet cut; add chain inet cut in { type filter hook input priority -300; }; add rule inet cut in ip saddr ${addresses.get('nn2') ?? ''} drop;`
        + ` add chain inet cut out { type filter hook output priority -300; }; add rule inet cut out ip daddr ${addresses.get('nn2') ?? ''} drop`
      : 'delete table inet cut']).then(mustBeZero);
    const node = owners.at(-1);
    await under('the link between the network nodes cut', async () => {
      await cut('add');
      await new Promise((done) => { setTimeout(done, 3000); });
    });
    expect(await owner()).toBe(node);
    await cut('delete');
  });

  it('needs no controller to move', async () => {
    const node = owners.at(-1) ?? '';
    await withoutSupervisor(async () => {
      for (const pid of processesOf('controller')) process.kill(pid, 'SIGKILL');
      await under(`no gateway for ${node}, and no controller`, () => wire(node, 'down'));
    });
    await untilOther();
    await wire(node, 'up');
    expect(await visitorOf(lab, 'vm1', host)).toBe(out.qg.ip);
  });

  it('comes to one owner when both have been cut off and are back', async () => {
    for (const node of ['nn1', 'nn2']) await wire(node, 'down');
    await untilPings(lab, 'vm1', host, false);
    for (const node of ['nn1', 'nn2']) await wire(node, 'up');
    await within('somebody is at work', async () => (await owner()) !== 'nobody');
    await untilPings(lab, 'vm1', host);
    const now = await owner();
    if (now !== owners.at(-1)) owners.push(now);
  });

  it('never had two owners: the MAC of the outside address was seen from one node at a time', async () => {
    const seen = (await Promise.all([...wires].map(async ([node, capture]) =>
      (await capture.stop()).map(({ timeUs, data }) => ({ node, timeUs, mac: decodeFrame(data)?.srcMac }))))).flat();
    expect(seen.length).toBeGreaterThan(1000);
    seen.sort((left, right) => left.timeUs - right.timeUs);
    const turns = seen.map(({ node }) => node).filter((node, at, all) => node !== all[at - 1]);
    expect(turns).toEqual(owners);
  });
});
