/**
 * NAT state shared from an active SNAT namespace to a standby one: real connections, two real namespaces with
 * the product's rules (what conntrack does not know is dropped, and no TCP is taken up in the middle).
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { shareIn, type ShareIn } from '../../src/agents/snat/conntrack-in.js';
import { shareOut, type ShareOut } from '../../src/agents/snat/conntrack-out.js';
import { within } from '../support/cloud.js';
import { build, carryingOn, conntrack, endAll, fip, gateway, hold, load, outside, pathOf, renew, serve, take } from '../support/two-snat-nodes.js';

const active = { address: '127.0.0.1', port: 7099 };
const standby = '127.0.0.2';
const kMany = 1000;
/** More than a socket keeps of events. */
const kStorm = 20_000;

describe('two SNAT namespaces that share their connections', () => {
  let out: ShareOut;
  let into: ShareIn;
  const said: string[] = [];
  const log = (_level: string, message: string): void => { said.push(message); };
  const follow = async (): Promise<void> => {
    into.follow('r1', pathOf('snat-b'), active);
    await within('the standby has all there is', () => Promise.resolve(into.isCurrent('r1')));
  };
  const untilKnown = (count: number): Promise<void> =>
    within(`snat-b knows ${String(count)} connections`, () => Promise.resolve(carryingOn('snat-b') === count));

  beforeAll(async () => {
    build();
    await Promise.all([serve('outside', 5001), serve('inside', 80)]);
  });
  afterAll(endAll);
  beforeEach(() => {
    for (const node of ['snat-a', 'snat-b'] as const) for (const family of ['ipv4', 'ipv6']) conntrack(node, '-F', '-f', family);
    take('snat-a');
    out = shareOut({ listen: active, isPeer: (address) => address === standby, log });
    into = shareIn({ address: standby, log });
    out.offer('r1', pathOf('snat-a'));
  });
  afterEach(() => {
    into.close();
    out.close();
  });

  it.each([
    ['through source NAT', 'inside', outside.v4, 5001],
    ['to a floating IP', 'outside', fip, 80],
    ['to a forwarded port', 'outside', gateway, 8080],
    ['of IPv6, without NAT', 'inside', outside.v6, 5001],
  ] as const)('carries a connection %s on through the other, made before or after it was followed', async (_what, from, address, port) => {
    const before = await hold(from, address, port);
    await follow();
    const after = await hold(from, address, port);
    await untilKnown(2);
    into.stop('r1');
    take('snat-b');
    expect([await before.carry(), await after.carry()]).toEqual([1, 1]);
    take('snat-a');
    await Promise.all([before.close(), after.close()]);
  });

  it('carries on two connections from one port of two hosts, of which one has got another port outside', async () => {
    await follow();
    const held = await Promise.all(['10.1.0.2', '10.1.0.4'].map((from) => hold('inside', outside.v4, 5001, { from: [from, 7777] })));
    await untilKnown(2);
    expect([...conntrack('snat-b', '-L', '-p', 'tcp').matchAll(/dport=7777 /g)]).toHaveLength(1);
    take('snat-b');
    expect(await Promise.all(held.map((connection) => connection.carry()))).toEqual([1, 1]);
    await Promise.all(held.map((connection) => connection.close()));
  });

  it('changes nothing any more once it has stopped following, and what it was not told of dies there', async () => {
    await follow();
    into.stop('r1');
    const connection = await hold('inside', outside.v4, 5001);
    take('snat-b');
    expect(carryingOn('snat-b')).toBe(0);
    expect(await connection.carry()).toBe(0);
    take('snat-a');
    await connection.close();
  });

  it('knows as many of a thousand connections, carries them all on, and forgets each when it ends', async () => {
    await follow();
    const connections = await hold('inside', outside.v4, 5001, { count: kMany });
    await untilKnown(kMany);
    const closing = await hold('inside', outside.v4, 5001, { count: 10 });
    await untilKnown(kMany + 10);
    await closing.close();
    await untilKnown(kMany);
    take('snat-b');
    expect(await connections.carry()).toBe(kMany);
    await connections.close();
  });

  it('forgets at a listing what is no more, and corrects what was otherwise', async () => {
    const connection = await hold('inside', outside.v4, 5001);
    const here = conntrack('snat-a', '-L', '-o', 'save', '-p', 'tcp').split('\n')[0] ?? '';
    const port = /--sport (\d+)/.exec(here)?.[1] ?? '';
    const stale = ['-I', '-p', 'tcp', '-t', '9999', '-u', 'SEEN_REPLY,ASSURED', '--state', 'ESTABLISHED', '-s', '10.1.0.2', '-d', outside.v4,
      '-r', outside.v4, '-q', gateway, '--dport', '5001', '--reply-port-src', '5001'];
    conntrack('snat-b', ...stale, '--sport', port, '--reply-port-dst', '9');
    conntrack('snat-b', ...stale, '--sport', '1', '--reply-port-dst', '1');
    await follow();
    const known = conntrack('snat-b', '-L', '-o', 'save', '-p', 'tcp').trim().split('\n');
    expect(known.map((line) => line.replace(/-t \d+ /, ''))).toEqual([here.replace(/-t \d+ /, '')]);
    await connection.close();
  });

  it('shares of UDP what goes on in both directions, and no question or answer', async () => {
    const udp = ['-I', '-p', 'udp', '-t', '100', '-s', '10.1.0.2', '-d', outside.v4, '-r', outside.v4, '-q', gateway,
      '--dport', '53', '--reply-port-src', '53'];
    await follow();
    conntrack('snat-a', ...udp, '--sport', '1', '--reply-port-dst', '1', '-u', 'SEEN_REPLY');
    conntrack('snat-a', ...udp, '--sport', '2', '--reply-port-dst', '2', '-u', 'SEEN_REPLY,ASSURED');
    await within('snat-b knows one', () => Promise.resolve(conntrack('snat-b', '-L', '-p', 'udp').includes('sport=2 ')));
    expect(conntrack('snat-b', '-L', '-p', 'udp')).not.toContain('sport=1 ');
  });

  it('lists anew where more happened at once than the kernel keeps for it', async () => {
    await follow();
    const lines = Array.from({ length: kStorm }, (_, at) => {
      const host = `10.1.${String(1 + (at >> 8))}.${String(at & 255)}`;
      return `-A -t 999 -u SEEN_REPLY,ASSURED -s ${host} -d 10.9.0.1 -r 10.9.0.1 -q ${host} -p tcp --sport 1 --dport 2`
        + ' --reply-port-src 2 --reply-port-dst 1 --state ESTABLISHED';
    });
    // This process waits for it, and so hears nothing meanwhile.
    load('snat-a', lines);
    await within('snat-b knows them all', () => Promise.resolve(Number(conntrack('snat-b', '-C')) === kStorm));
    expect(said).toContain('more connections came and went than could be heard of; listing anew');
  });

  it('keeps to the namespace that is at the path now', async () => {
    await follow();
    renew('snat-b');
    const connection = await hold('inside', outside.v4, 5001);
    await follow();
    await untilKnown(1);
    await connection.close();
  });

  it('listens as soon as its address is there', async () => {
    const later = { address: '198.18.0.1', port: active.port };
    out.close();
    out = shareOut({ listen: later, isPeer: () => true, log });
    out.offer('r1', pathOf('snat-a'));
    into.follow('r1', pathOf('snat-b'), later);
    await within('it has tried', () => Promise.resolve(said.includes('standbys cannot be listened to yet')));
    execFileSync('ip', ['address', 'add', `${later.address}/32`, 'dev', 'lo']);
    await within('the standby has all there is', () => Promise.resolve(into.isCurrent('r1')));
  });

  it('listens only while something is offered, to other network nodes only, and to nothing but what to follow', async () => {
    const endOf = async (localAddress: string, words: string): Promise<string> => {
      const socket = connect({ ...active, host: active.address, localAddress });
      let heard = '';
      socket.on('data', (data: Buffer) => { heard += data.toString(); });
      socket.end(words);
      await once(socket, 'close');
      return heard;
    };
    expect(await endOf('127.0.0.9', 'follow r1\n')).toBe('');
    expect(await endOf(standby, 'follow r2\n')).toBe('');
    expect(await endOf(standby, `${'x'.repeat(1000)}`)).toBe('');
    expect(await endOf(standby, 'follow r1\n')).toMatch(/^listing\n/);
    out.withdraw('r1');
    await expect(endOf(standby, 'follow r1\n')).rejects.toThrow('ECONNREFUSED');
  });

  it('is followed again after it was gone', async () => {
    await follow();
    out.withdraw('r1');
    const connection = await hold('inside', outside.v4, 5001);
    out.offer('r1', pathOf('snat-a'));
    await untilKnown(1);
    await connection.close();
  });
});

describe('a standby whose active node is not what it seems', () => {
  let server: Server;
  let into: ShareIn;
  const good = '+ tcp 1000 assured ESTABLISHED 0a010002 cb00710a 1 5001 cb00710a cb007114 5001 1\n';
  const late = good.replace(' 1 5001', ' 666 5001');
  beforeEach(() => { into = shareIn({ address: standby, log: () => {} }); conntrack('snat-b', '-F'); });
  afterEach(() => { into.close(); server.close(); });

  it.each([
    ['a line of another kind', `listing\n${good}flush\n${late}`],
    ['a line that never ends', `${'+ tcp '.repeat(100)}\n${late}`],
    ['the end of no listing', `listed\n${late}`],
    ['a listing in a listing', `listing\nlisting\n${late}`],
  ])('ends the conversation at %s, and takes nothing of what comes after it', async (_what, words) => {
    const ended = new Promise<void>((done) => {
      server = createServer((socket: Socket) => {
        socket.on('error', () => {}).once('close', () => { done(); });
        socket.write(words);
        socket.resume();
      });
    });
    server.listen(active.port, active.address);
    into.follow('r1', pathOf('snat-b'), active);
    await ended;
    expect(into.isCurrent('r1')).toBe(false);
    expect(conntrack('snat-b', '-L')).not.toContain('sport=666');
  });
});
