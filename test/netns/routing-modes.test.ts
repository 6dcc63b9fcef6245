/**
 * A router that routes by itself (routing: auto): the fast way while nobody looks, the namespace as soon as
 * somebody captures there or puts something of their own in. What a person does there takes effect, what
 * tcpdump shows is all there is, and nothing is lost by the change.
 */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { defaultTopologyFile } from '../../src/lab/scripts.js';
import { crossings, dropsSince, drops, mustBeZero, putTopology, wayOf, within } from '../support/cloud.js';
import { withLab, type Lab } from '../support/lab.js';

const kInside = 'dvr-cn1-qrouter-r1';
const kFast = 'fast: routing is auto and nobody looks or rules inside';
/** Loads the IPv4 destination; shoots what is for 10.2.0.12 (TC_ACT_SHOT), has no opinion of the rest. */
const kDropsForVm2 = '"4,32 0 0 30,21 0 1 167903244,6 0 0 2,6 0 0 4294967295,"';
/** The watch asks 20 times a second: what it does not take for a capture by then, it never does. */
const kNeverMs = 500;

const inside = async (lab: Lab, ...argv: string[]): Promise<string> =>
  mustBeZero(await lab.exec(kInside, argv)).stdout;

const untilFast = (): Promise<void> =>
  within('r1 goes the fast way on cn1', async () => (await wayOf('cn1')) === kFast);
const untilNamespace = (why: string | RegExp): Promise<void> =>
  within(`r1 goes through its namespace on cn1: ${String(why)}`, async () => {
    const way = await wayOf('cn1');
    return typeof why === 'string' ? way === `namespace: ${why}` : why.test(way);
  });

/** The words of a command; what is quoted is one. */
const words = (command: string): string[] =>
  [...command.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);

/** Packets that crossed the namespace while vm1 pinged vm2. */
async function crossedByPings(lab: Lab): Promise<number> {
  const before = await crossings(lab, 'cn1');
  expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  return await crossings(lab, 'cn1') - before;
}

describe('a router that routes by itself', () => {
  const lab = withLab();
  const scratch = mkdtempSync(join(tmpdir(), 'dvr-modes-'));
  afterAll(() => { rmSync(scratch, { recursive: true }); });

  it('crosses no namespace while nobody looks inside', async () => {
    await untilFast();
    expect(await crossedByPings(lab)).toBe(0);
  });

  it.each([
    ['one device', ['-i', 'qr-red'], 'qr-red'],
    ['one device that is not made promiscuous', ['-p', '-i', 'qr-red'], 'qr-red'],
    ['every device', ['-i', 'any'], 'every device'],
  ])('shows a capture on %s what passes, loses nothing meanwhile, and is fast again afterwards', async (_what, words, device) => {
    await untilFast();
    const { result } = await lab.startProbes('vm1', 'vm2', '10.2.0.12', { count: 800, intervalMs: 5 });
    const said = await inside(lab, 'timeout', '20', 'tcpdump', '-l', '-n', '-c', '5', ...words, 'udp and dst 10.2.0.12');
    expect(said.trim().split('\n')).toHaveLength(5);
    expect((await result).lost).toBe(0);
    await untilFast();
    expect(await crossedByPings(lab)).toBe(0);

    const tcpdump = await lab.start(kInside, ['bash', '-c', 'echo ready; exec tcpdump -w /dev/null "$@"', 'capture', ...words]);
    await untilNamespace(new RegExp(`tcpdump \\(pid \\d+\\) captures on ${device}`));
    expect(await crossedByPings(lab)).toBeGreaterThanOrEqual(3);
    tcpdump.kill('SIGINT');
    await untilFast();
  });

  it('does not take a daemon that speaks by packet sockets for a capture', async () => {
    await untilFast();
    symlinkSync('/usr/bin/python3', join(scratch, 'lldpd'));
    const daemon = await lab.start(kInside, [join(scratch, 'lldpd'), '-c',
      'import socket, time; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); print("ready", flush=True); time.sleep(60)']);
    await sleep(kNeverMs);
    expect(await wayOf('cn1')).toBe(kFast);
    daemon.kill('SIGKILL');
  });

  it('obeys an nft table that somebody puts in: its counter counts, its drop drops', async () => {
    await untilFast();
    const { result } = await lab.startProbes('vm1', 'vm2', '10.2.0.12', { count: 400, intervalMs: 5 });
    await inside(lab, 'nft', 'add table inet mine; add chain inet mine f { type filter hook forward priority 0; }; '
      + 'add rule inet mine f ip daddr 10.2.0.12 counter');
    await untilNamespace('nft table inet mine is not ours');
    expect((await result).lost).toBe(0);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
    const [, counted] = /counter packets (\d+)/.exec(await inside(lab, 'nft', 'list', 'table', 'inet', 'mine')) ?? [];
    expect(Number(counted)).toBeGreaterThanOrEqual(3);
    await inside(lab, 'nft', 'add rule inet mine f ip daddr 10.2.0.12 drop');
    expect(await lab.ping('vm1', '10.2.0.12', { args: ['-W', '1'] })).toBe(0);
    await inside(lab, 'nft', 'delete table inet mine');
    await untilFast();
    expect(await crossedByPings(lab)).toBe(0);
  });

  it.each<[string, string[], string, string]>([
    ['a tc filter', ['tc qdisc add dev qr-red clsact',
      `tc filter add dev qr-red ingress protocol ip bpf direct-action bytecode ${kDropsForVm2}`],
    'tc qdisc del dev qr-red clsact', 'tc qdisc clsact on qr-red is not ours'],
    ['an ip rule', ['ip rule add to 10.2.0.12 pref 100 prohibit'], 'ip rule del pref 100', 'ip rule 100 is not ours'],
    ['a route', ['ip route add blackhole 10.2.0.12'], 'ip route del blackhole 10.2.0.12', 'route 10.2.0.12/32 is not ours'],
  ])('obeys %s that somebody puts in', async (_what, add, remove, why) => {
    await untilFast();
    for (const command of add) await inside(lab, ...words(command));
    await untilNamespace(why);
    expect(await lab.ping('vm1', '10.2.0.12', { args: ['-W', '1'] })).toBe(0);
    expect(await lab.ping('vm1', '10.2.0.14')).toBe(3);
    await inside(lab, ...words(remove));
    await untilFast();
    expect(await crossedByPings(lab)).toBe(0);
  });

  it('says which way and why in the text of the status', async () => {
    await inside(lab, 'nft', 'add', 'table', 'ip', 'nat');
    await untilNamespace('nft table ip nat is not ours');
    expect((await lab.dvr('status')).stdout).toMatch(/^r1 +cn1 +namespace: nft table ip nat is not ours$/m);
    await inside(lab, 'nft', 'delete', 'table', 'ip', 'nat');
    await untilFast();
    expect((await lab.dvr('status')).stdout).toMatch(/^r1 +cn1 +fast: /m);
  });

  it('takes the way that the topology says from then on, and loses nothing by it', async () => {
    const text = readFileSync(defaultTopologyFile, 'utf8');
    const before = await drops();
    const { result } = await lab.startProbes('vm1', 'vm2', '10.2.0.12', { count: 800, intervalMs: 5 });
    await putTopology(text.replace('networks: [red, green]', 'networks: [red, green], routing: namespace'));
    await untilNamespace('routing is namespace');
    expect(await crossedByPings(lab)).toBeGreaterThanOrEqual(3);
    await putTopology(text.replace('networks: [red, green]', 'networks: [red, green], routing: fast'));
    await within('r1 is fast on cn1', async () => (await wayOf('cn1')) === 'fast: routing is fast');
    await inside(lab, 'nft', 'add', 'table', 'ip', 'nat');
    expect(await crossedByPings(lab)).toBe(0);
    expect((await result).lost).toBe(0);
    expect(await dropsSince(before)).toEqual({});
  });
});
