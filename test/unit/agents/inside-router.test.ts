import { describe, expect, it } from 'vitest';
import { reasonsInside, type Holder } from '../../../src/agents/l3/inside-router.js';
import type { NamespaceFacts, PacketSocket } from '../../../src/dataplane/native.js';

const kOwnPid = 1;
const kKernel = 2;

/** A router namespace as we build it: the kernel's own rules, nothing promiscuous, nothing set up. */
const asBuilt: NamespaceFacts = {
  links: [
    { ifindex: 1, name: 'lo', promiscuous: false, xdp: false },
    { ifindex: 7, name: 'qr-red', promiscuous: false, xdp: false },
    { ifindex: 8, name: 'qr-green', promiscuous: false, xdp: false },
  ],
  qdiscs: [{ ifindex: 1, kind: 'noqueue', handle: 0 }, { ifindex: 7, kind: 'pfifo_fast', handle: 0 }],
  rules: [
    { family: 4, priority: 0, protocol: kKernel }, { family: 4, priority: 32766, protocol: kKernel },
    { family: 4, priority: 32767, protocol: kKernel },
    { family: 6, priority: 0, protocol: kKernel }, { family: 6, priority: 32766, protocol: kKernel },
  ],
  routes: [], nftTables: [], xtables: [],
};

const promiscuous = (name: string): NamespaceFacts =>
  ({ ...asBuilt, links: asBuilt.links.map((link) => ({ ...link, promiscuous: link.name === name })) });

const holders: Readonly<Record<number, Holder>> = {
  100: { pid: 4711, name: 'tcpdump' }, 101: { pid: kOwnPid, name: 'node' },
  102: { pid: 12, name: 'keepalived' }, 103: { pid: 13, name: 'dhclient' }, 104: { pid: 14, name: 'lldpd' },
};

const reasons = (sockets: readonly PacketSocket[], facts = asBuilt): readonly string[] =>
  reasonsInside(sockets, facts, (inode) => holders[inode], kOwnPid);

describe('a router namespace as we built it', () => {
  it('is no reason for anything', () => { expect(reasons([])).toEqual([]); });

  it('is none without IPv6 either', () => {
    expect(reasons([], { ...asBuilt, rules: asBuilt.rules.filter(({ family }) => family === 4) })).toEqual([]);
  });

  it('is none with routes and rules of ours', () => {
    const rules = [...asBuilt.rules, { family: 4, priority: 57481, protocol: 200 } as const];
    expect(reasons([], { ...asBuilt, rules })).toEqual([]);
  });
});

describe('a packet socket', () => {
  it('is a capture of the process that holds it', () => {
    expect(reasons([{ ifindex: 7, inode: 100 }])).toEqual(['tcpdump (pid 4711) captures on qr-red']);
  });

  it('on no device is one on every device (`tcpdump -i any`)', () => {
    expect(reasons([{ ifindex: 0, inode: 100 }])).toEqual(['tcpdump (pid 4711) captures on every device']);
  });

  it('of a process that is not found counts all the same', () => {
    expect(reasons([{ ifindex: 8, inode: 999 }])).toEqual(['a packet socket listens on qr-green']);
  });

  it.each([101, 102, 103, 104])('of inode %i is ours or of a daemon that shows nobody what it hears', (inode) => {
    expect(reasons([{ ifindex: 7, inode }])).toEqual([]);
    expect(reasons([{ ifindex: 7, inode }], promiscuous('qr-red'))).toEqual([]);
  });
});

describe('a promiscuous device', () => {
  it('is a capture that does not receive yet', () => {
    expect(reasons([], promiscuous('qr-red'))).toEqual(['qr-red is promiscuous']);
  });

  it('is not told twice', () => {
    expect(reasons([{ ifindex: 7, inode: 100 }], promiscuous('qr-red'))).toHaveLength(1);
  });
});

describe('what others put in', () => {
  it.each<[string, Partial<NamespaceFacts>, string]>([
    ['an nft table', { nftTables: [{ family: 1, name: 'mine' }] }, 'nft table inet mine is not ours'],
    ['an nft table of a family without a name', { nftTables: [{ family: 42, name: 'x' }] }, 'nft table family 42 x is not ours'],
    ['iptables of the old kind', { xtables: ['filter'] }, 'iptables table filter is not ours'],
    ['a qdisc', { qdiscs: [{ ifindex: 8, kind: 'clsact', handle: 0xffff0000 }] }, 'tc qdisc clsact on qr-green is not ours'],
    ['a rule', { rules: [...asBuilt.rules, { family: 4, priority: 1000, protocol: 3 }] }, 'ip rule 1000 is not ours'],
    ['an IPv6 rule', { rules: [...asBuilt.rules, { family: 6, priority: 1000, protocol: 3 }] }, 'ip -6 rule 1000 is not ours'],
    ['a rule less', { rules: asBuilt.rules.slice(1) }, 'ip rule 0 of the kernel is gone'],
    ['a route', { routes: [{ destination: '10.2.0.12/32', protocol: 3 }] }, 'route 10.2.0.12/32 is not ours'],
    ['an XDP program', { links: [{ ifindex: 7, name: 'qr-red', promiscuous: false, xdp: true }] }, 'the XDP program on qr-red is not ours'],
  ])('%s is a reason', (_what, change, reason) => {
    expect(reasons([], { ...asBuilt, ...change })).toEqual([reason]);
  });

  it('does not hold what the agent has put in for floating IPs: its table, its rules, its link', () => {
    const facts: NamespaceFacts = {
      ...asBuilt, nftTables: [{ family: 2, name: 'dvr_fip' }],
      rules: [...asBuilt.rules, { family: 4, priority: 40_000, protocol: 200 }, { family: 6, priority: 50_000, protocol: 200 }],
      links: [...asBuilt.links, { ifindex: 9, name: 'rfp-r1', promiscuous: false, xdp: false }],
    };
    expect(reasons([], facts)).toEqual([]);
    expect(reasons([], { ...facts, nftTables: [{ family: 1, name: 'dvr_fip' }] })).toEqual(['nft table inet dvr_fip is not ours']);
  });

  it('is named after who captures, which ends sooner', () => {
    const facts = { ...asBuilt, nftTables: [{ family: 2, name: 'nat' }] };
    expect(reasons([{ ifindex: 7, inode: 100 }], facts)).toEqual([
      'tcpdump (pid 4711) captures on qr-red', 'nft table ip nat is not ours',
    ]);
  });
});
