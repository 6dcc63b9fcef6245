/** What a person does by hand in a namespace of ours is undone at once, by the node itself, and it says so in its log. */
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { logsDir } from '../../src/lab/record.js';
import { logFileOf } from '../../src/lab/roles.js';
import { withLab } from '../support/lab.js';

/** The agent hears of it; its next look by itself would come after two minutes. */
const kSoonMs = 15_000;
const kPollMs = 20;

interface Shown { readonly ifname: string; readonly address: string; readonly mtu: number; readonly addr_info: readonly { local: string }[] }

describe('a namespace that somebody changes by hand', () => {
  const lab = withLab();

  /** What is in it, or why nobody can tell. Interfaces may have other numbers, and a namespace may be another. */
  const contents = async (node: string, namespace: string): Promise<string> => {
    const said = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await lab.exec(node, words);
      return code === 0 ? stdout : stderr;
    };
    const ip = (...words: string[]): Promise<string> => said('ip', '-netns', namespace, ...words);
    const [devices, neighbours, routes, rules, nft] = await Promise.all([
      ip('-json', 'address', 'show'), ip('neigh', 'show', 'nud', 'permanent'), ip('route', 'show', 'table', 'all', 'proto', '200'),
      ip('rule', 'show'), said('ip', 'netns', 'exec', namespace, 'nft', '-s', 'list', 'ruleset'),
    ]);
    return [...linksIn(devices), ...[neighbours, routes, rules].flatMap(sortedLines), nft].join('\n');
  };
  /** Each place as it was when it was looked at first. What is done to one may touch another, which is mended a little later. */
  const built = new Map<string, string>();
  /** Waits until the namespace is as it was then. */
  const asBuilt = async (node: string, namespace: string): Promise<string> => {
    const began = performance.now();
    const place = `${node} ${namespace}`;
    const wanted = built.get(place) ?? await contents(node, namespace);
    built.set(place, wanted);
    while (await contents(node, namespace) !== wanted && performance.now() - began < kSoonMs) await sleep(kPollMs);
    expect(await contents(node, namespace)).toBe(wanted);
    return wanted;
  };
  const logOf = (node: string): string => logFileOf(logsDir(), `agent ${node}`);

  const inside = (namespace: string, ...words: string[]): string[] => ['ip', '-netns', namespace, ...words];
  const nft = (namespace: string, ...words: string[]): string[] => ['ip', 'netns', 'exec', namespace, 'nft', ...words];
  /** Longer than the node may take; so the namespace lives on without its name. */
  const stayIn = (namespace: string): string[] =>
    ['ip', 'netns', 'exec', namespace, 'sh', '-c', `sleep ${String(2 * kSoonMs / 1000)} < /dev/null > /dev/null 2>&1 &`];
  const [router, snat, fip] = ['qrouter-r1', 'snat-r1', 'fip-ext'];

  it.each<[what: string, node: string, namespace: string, commands: string[][], event: string]>([
    ['a device set down and up again', 'cn1', router,
      [inside(router, 'link', 'set', 'qr-green', 'down'), inside(router, 'link', 'set', 'qr-green', 'up')], 'qrouter-r1'],
    ['a device left down', 'cn1', router, [inside(router, 'link', 'set', 'qr-red', 'down')], 'qrouter-r1: qr-red is down'],
    ['a neighbour deleted', 'cn1', router, [inside(router, 'neigh', 'del', '10.2.0.12', 'dev', 'qr-green')],
      'qrouter-r1: it has other neighbours'],
    ['a route deleted', 'cn1', fip, [inside(fip, 'route', 'del', '203.0.113.101/32')], 'fip-ext: it has other routes'],
    ['a rule deleted', 'cn1', fip, [inside(fip, 'rule', 'del', 'priority', '40000')], 'fip-ext: it has other rules'],
    ['an nft table deleted', 'nn1', snat, [nft(snat, 'delete', 'table', 'ip', 'dvr_snat')], 'snat-r1: its nft table is another'],
    ['an nft chain flushed', 'cn1', fip, [nft(fip, 'flush', 'table', 'ip', 'dvr_fip')], 'fip-ext: its nft table is another'],
    ['an address taken away', 'nn1', snat, [inside(snat, 'address', 'flush', 'dev', 'sg-red')], 'snat-r1'],
    ['a qr- device deleted', 'cn1', router, [inside(router, 'link', 'del', 'qr-green')], 'qr/r1/green'],
    ['a qg- device deleted', 'nn1', snat, [inside(snat, 'link', 'del', 'qg-ext')], 'qg/r1'],
    ['an fg- device deleted', 'cn1', fip, [inside(fip, 'link', 'del', 'fg-ext')], 'fg/ext'],
    ['the link between router and FIP namespace deleted', 'cn1', router, [inside(router, 'link', 'del', 'rfp-r1')], 'rfp-r1 is not there'],
    ['its other end deleted', 'cn1', fip, [inside(fip, 'link', 'del', 'fpr-r1')], 'fpr-r1 is not there'],
    ['the router namespace deleted', 'cn1', router, [['ip', 'netns', 'del', router]], 'a device is gone'],
    ['the SNAT namespace deleted', 'nn1', snat, [['ip', 'netns', 'del', snat]], 'a device is gone'],
    ['the FIP namespace deleted', 'cn1', fip, [['ip', 'netns', 'del', fip]], 'a device is gone'],
    ['the router namespace deleted while somebody is inside', 'cn1', router,
      [stayIn(router), ['ip', 'netns', 'del', router]], 'a device is gone'],
    ['the SNAT namespace deleted while somebody is inside', 'nn1', snat, [stayIn(snat), ['ip', 'netns', 'del', snat]], 'a device is gone'],
    ['the FIP namespace deleted while somebody is inside', 'cn1', fip, [stayIn(fip), ['ip', 'netns', 'del', fip]], 'a device is gone'],
  ])('is soon as it was, which is an event: %s', async (what, node, namespace, commands, event) => {
    const before = await asBuilt(node, namespace);
    const logged = statSync(logOf(node)).size;
    for (const command of commands) expect(await lab.exec(node, command)).toMatchObject({ code: 0, stderr: '' });
    const began = performance.now();
    expect(await contents(node, namespace)).not.toBe(before);
    await asBuilt(node, namespace);
    console.log(`${what}: as before after ${(performance.now() - began).toFixed(0)} ms`);
    expect(readFileSync(logOf(node), 'utf8').slice(logged)).toContain(event);
  });

  it('carries all traffic as before after all of that', async () => {
    for (const [node = '', namespace = ''] of [...built.keys()].map((place) => place.split(' '))) await asBuilt(node, namespace);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
    expect(await lab.ping('vm1', '198.51.100.9')).toBe(3);
    expect(await lab.ping('vm3', '198.51.100.9')).toBe(3);
    expect(await lab.ping('ext', '203.0.113.101')).toBe(3);
  });
});

const sortedLines = (text: string): string[] => text.split('\n').sort();

function linksIn(text: string): string[] {
  if (!text.startsWith('[')) return [text];
  return (JSON.parse(text) as Shown[]).map(({ ifname, address, mtu, addr_info }) =>
    `${ifname} ${address} ${mtu} ${addr_info.map(({ local }) => local).sort().join(' ')}`).sort();
}
