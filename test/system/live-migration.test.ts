/**
 * A VM that moves to another node while it is talked to 100 times a second: by routed traffic of another node, from
 * outside by its floating IP, and through the network node's source NAT. Checklist 72 and 49.
 *
 * The VM is a namespace on the one node and another, with the same MAC and addresses, on the other. What stands still
 * between the two is the VM's own pause: from the moment the first no longer answers to when the second does. The port
 * is finished within it, as whoever moves a machine does, and no more may be lost than that.
 */
import type { ChildProcess } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import { decodeFrame } from '../../src/trace/frame.js';
import { mustBeZero, portInView, rows } from '../support/cloud.js';
import { type Lab, type ProbeResult, run, withLab } from '../support/lab.js';
import { nothingPrivateOutside, outsideNames, provider, topologyWithOutside, untilPings, visitorOf } from '../support/outside.js';

const kPort = '7007';
const kIntervalMs = 10;
/** A probe that was under way, at either end of the pause. */
const kUnderWay = 2;

/** Asks `address` from `from` all the while, until told how long. */
const probes = async (lab: Lab, from: string, address: string, port = kPort): Promise<{ end(): Promise<ProbeResult> }> => {
  const prober = await lab.start(from, [process.execPath, 'test/support/prober.mjs', address, port, '3000', `${kIntervalMs}`]);
  let said = '';
  prober.stdout?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const closed = new Promise((done) => { prober.once('close', done); });
  return {
    end: async () => {
      prober.kill('SIGTERM');
      await closed;
      return JSON.parse(/\{.*\}/.exec(said)?.[0] ?? '') as ProbeResult;
    },
  };
};

describe('a port that migrates', () => {
  const lab = withLab(topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24], mtu: 1500 }
routers:
  r1:
    networks: [red, green]
    gateway: ext
    port_forwardings: [{ protocol: udp, external_port: 7007, port: vm3, internal_port: 7007 }]
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm3: { network: red, node: cn1, ip: 10.1.0.13 }
  vm2: { network: green, node: cn3, ip: 10.2.0.12 }
  vm4: { network: red, node: cn3, ip: 10.1.0.14 }
floating_ips: { 203.0.113.101: { port: vm1 } }
`, { nodes: { cn3: { vtep: '172.16.0.13', provider: { physnet1: 'ex0' } } } }));
  nothingPrivateOutside(lab);
  const echoes = new Map<string, ChildProcess>();
  let gateway: string;

  beforeAll(async () => {
    gateway = (await outsideNames()).qg.ip;
    for (const vm of ['vm1', 'vm3']) await wake(vm);
    await untilPings(lab, 'ext', '203.0.113.101');
  });

  /** The VM runs: it answers. */
  const wake = async (place: string): Promise<void> => {
    echoes.set(place, await lab.start(place, [process.execPath, 'test/support/echo.mjs', kPort]));
  };
  const freeze = async (place: string): Promise<void> => {
    const echo = echoes.get(place);
    const gone = new Promise((done) => { echo?.once('close', done); });
    echo?.kill('SIGKILL');
    await gone;
  };
  /** A place on the other node for the VM to go on in: ours, and not the lab's to take away. */
  const places: string[] = [];
  afterAll(async () => {
    for (const place of places) await run('ip', ['netns', 'delete', `dvr-${place}`], 5000);
  });
  const makePlace = async (place: string): Promise<string> => {
    places.push(place);
    mustBeZero(await run('ip', ['netns', 'add', `dvr-${place}`], 5000));
    mustBeZero(await lab.exec(place, ['sysctl', '--quiet', '--write', 'net.ipv6.conf.default.disable_ipv6=1']));
    return `/run/netns/dvr-${place}`;
  };
  const migrate = async (vm: string, ...words: string[]): Promise<void> => {
    mustBeZero(await lab.dvr('port', 'migrate', vm, ...words));
  };
  const boundTo = async (vm: string): Promise<string | undefined> => (await portInView('nn1', vm))?.node;

  it('is prepared where it is to go, and all traffic still goes to where it is', async () => {
    const asked = await probes(lab, 'vm2', '10.1.0.11');
    await migrate('vm1', '--to', 'cn2', '--netns', await makePlace('vm1b'));
    const { lost } = await asked.end();
    expect(lost).toBe(0);
    expect(await boundTo('vm1')).toBe('cn1');
    expect((await lab.dvr('port', 'show', 'vm1')).stdout).toMatch(/migrating to +cn2/);
    expect((await lab.exec('vm1b', ['ip', '-brief', 'address', 'show', 'eth0'])).stdout).toContain('10.1.0.11/24');
    // Neither the node itself nor a broadcast leads to the copy that waits.
    const mac = (await portInView('nn1', 'vm1'))?.mac;
    expect((await rows('cn2', 'switch')).filter((row) => row['mac'] === mac)).toEqual([]);
    expect((await lab.exec('cn2', ['ip', 'netns', 'list'])).stdout).toContain('qrouter-r1');
  });

  it('can be given up: nothing is left where it was to go', async () => {
    await migrate('vm1', '--abort');
    const links = async (): Promise<string> => (await lab.exec('vm1b', ['ip', '-brief', 'link', 'show'])).stdout;
    await expect.poll(links, { timeout: 8000 }).not.toContain('eth0');
    await expect.poll(async () => (await lab.exec('cn2', ['ip', 'netns', 'list'])).stdout, { timeout: 8000 }).not.toContain('qrouter-r1');
    expect(await boundTo('vm1')).toBe('cn1');
    expect(await lab.ping('vm2', '10.1.0.11')).toBe(3);
  });

  it.each([
    ['checklist 72, 49: routed traffic and its floating IP go with it', 'vm1', 'vm1b', [['vm2', '10.1.0.11'], ['vm4', '10.1.0.11'], ['ext', '203.0.113.101']]],
    ['checklist 72: routed traffic and what comes by the source NAT go with it', 'vm3', 'vm3b', [['vm2', '10.1.0.13'], ['vm4', '10.1.0.13'], ['ext', 'gateway']]],
  ] as const)('%s, with no more lost than its own pause', async (_what, vm, place, askers) => {
    if (place !== 'vm1b') await makePlace(place);
    const announced = await lab.startCapture(...provider('arp and arp[6:2] = 2 and src host 203.0.113.101'));
    const asked = await Promise.all(askers.map(([from, address]) => probes(lab, from, address === 'gateway' ? gateway : address)));
    await migrate(vm, '--to', 'cn2', '--netns', `/run/netns/dvr-${place}`);
    const client = controllerClient();
    const frozen = performance.now();
    await freeze(vm);
    await client.finishMigration(vm);
    const finished = performance.now();
    await wake(place);
    const pauseMs = performance.now() - frozen;
    const results = await Promise.all(asked.map((one) => one.end()));
    const texts = results.map(({ longestLostRun, lost }, at) => `${askers[at]?.[0]} ${longestLostRun * kIntervalMs} ms (${lost} lost)`);
    console.log(`${vm}: paused ${Math.round(pauseMs)} ms, of which the cloud took ${Math.round(finished - frozen)} ms; without an answer: ${texts.join(', ')}`);
    for (const { lost } of results) expect(lost).toBeLessThanOrEqual(Math.ceil(pauseMs / kIntervalMs) + kUnderWay);
    expect(await boundTo(vm)).toBe('cn2');
    expect((await lab.exec(vm, ['ip', '-brief', 'link', 'show'])).stdout).not.toContain('eth0');
    expect(await visitorOf(lab, place, '198.51.100.9')).toBe(vm === 'vm1' ? '203.0.113.101' : gateway);
    const told = (await announced.stop()).map(({ data }) => decodeFrame(data)?.arp?.senderMac);
    if (vm === 'vm1') expect(told).toContain((await outsideNames()).fg('cn2').mac);
  });

  it('loses almost nothing even without a pause: both answer while every node learns of it', async () => {
    await makePlace('vm3c');
    await migrate('vm3', '--to', 'cn1', '--netns', '/run/netns/dvr-vm3c');
    await wake('vm3c');
    const asked = await Promise.all([['vm2', '10.1.0.13'], ['vm4', '10.1.0.13']].map(([from = '', address = '']) => probes(lab, from, address)));
    const began = performance.now();
    await migrate('vm3', '--finish');
    const tookMs = performance.now() - began;
    const results = await Promise.all(asked.map((one) => one.end()));
    console.log(`vm3 back to cn1 without a pause: ${results.map(({ lost }) => lost).join(' and ')} probes lost, routed and switched`);
    for (const { lost } of results) expect(lost).toBeLessThanOrEqual(Math.ceil(tookMs / kIntervalMs));
    expect(await boundTo('vm3')).toBe('cn1');
  });

  it('has moved when its device vanishes where it came from, though nobody finished', async () => {
    await makePlace('vm3d');
    await migrate('vm3', '--to', 'cn2', '--netns', '/run/netns/dvr-vm3d');
    await freeze('vm3c');
    mustBeZero(await run('ip', ['netns', 'delete', 'dvr-vm3c'], 5000));
    await expect.poll(() => boundTo('vm3'), { timeout: 8000 }).toBe('cn2');
    await wake('vm3d');
    await untilPings(lab, 'vm2', '10.1.0.13');
  });
});
