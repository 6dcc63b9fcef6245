/**
 * North-south in the kernel's namespaces: seed steps NS2, NS3, NS8, NS9 and the way back, and floating IPs.
 * The fast path is not here (Linux bridges are); who sees which address, and what is cut, is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forgetNeighbours } from '../support/neighbours.js';
import {
  fips, inside, keepTalking, OutsideNode, pings, seenBy, serve, stopAll, viewWith, type Host,
} from '../support/outside-node.js';
import { withRouter } from '../unit/agents/outside.js';

const node = new OutsideNode();
const both = [fips.vm1, fips.vm4];
const central = { ...fips.vm1, placement: 'central' } as const;
const sourceOf = async (where: Host, target: string): Promise<string | undefined> =>
  (await seenBy(where, target)).split(' ')[0];
const conntrack = (where: Host): Promise<string> => inside(where, 'conntrack', '-L');
const dropped = async (where: Host): Promise<number[]> =>
  [...(await inside(where, 'nft', 'list', 'ruleset')).matchAll(/counter packets (\d+)/g)].map(([, count]) => Number(count));

beforeAll(async () => {
  node.up();
  await node.build(viewWith(both));
  await Promise.all((['vm1', 'vm2', 'vm3', 'vm4', 'ext', 'other'] as const).map(serve));
});
afterAll(async () => {
  stopAll();
  await node.down();
});

describe('a VM without a floating IP', () => {
  it.each(['203.0.113.10', '198.51.100.9'])('reaches %s as the gateway address (checklist 38)', async (target) => {
    expect([await sourceOf('vm3', target), await sourceOf('vm2', target)]).toEqual(['203.0.113.20', '203.0.113.20']);
  });

  it('reaches a floating IP through SNAT (checklist 61), and the gateway address itself (checklist 63)', async () => {
    expect(await sourceOf('vm3', '203.0.113.101')).toBe('203.0.113.20');
    expect(await pings('vm3', '203.0.113.20')).toBe(true);
  });

  it('is not reached from outside by its own address, whoever routes it there', async () => {
    await inside('ext', 'ip', 'route', 'add', '10.1.0.0/24', 'via', '203.0.113.20');
    expect([await pings('ext', '10.1.0.13'), await sourceOf('ext', '10.1.0.13')]).toEqual([false, 'nothing']);
    await inside('ext', 'ip', 'route', 'del', '10.1.0.0/24');
  });
});

describe('a VM with a floating IP', () => {
  it('speaks as it to the world, with its own source port (checklist 52, 64)', async () => {
    expect(await seenBy('vm1', '203.0.113.10', 5555)).toBe('203.0.113.101 5555');
    expect(await seenBy('vm4', '198.51.100.9', 5555)).toBe('203.0.113.104 5555');
  });

  it('is reached by it, and sees who asks', async () => {
    expect(await sourceOf('ext', '203.0.113.101')).toBe('203.0.113.10');
    expect(await pings('ext', '203.0.113.104')).toBe(true);
  });

  it('reaches its own and the others\' floating IPs as its own (checklist 59, 62)', async () => {
    expect([await sourceOf('vm1', '203.0.113.101'), await sourceOf('vm1', '203.0.113.104')])
      .toEqual(['203.0.113.101', '203.0.113.101']);
  });

  it('keeps its fixed address towards other tenants, untracked (checklist 33)', async () => {
    expect([await sourceOf('vm1', '10.2.0.14'), await sourceOf('vm1', '10.2.0.12'), await sourceOf('vm2', '10.1.0.11')])
      .toEqual(['10.1.0.11', '10.1.0.11', '10.2.0.12']);
    expect(await conntrack('qrouter-r1')).not.toMatch(/src=10\.\S+ dst=10\./);
  });

  it('loses nothing to connection tracking where its router sees one direction of east-west alone', async () => {
    // The way back goes past the router, as it does between nodes.
    await inside('vm2', 'ip', 'address', 'add', '10.1.0.200/24', 'dev', 'eth0');
    await inside('vm2', 'ip', 'route', 'replace', '10.1.0.11/32', 'via', '10.2.0.99', 'dev', 'eth0', 'onlink');
    await inside('vm2', 'ip', 'neigh', 'replace', '10.2.0.99', 'lladdr', 'fa:16:3e:00:00:02', 'dev', 'eth0');
    const heard = keepTalking('vm1', '10.2.0.12');
    await expect.poll(heard, { timeout: 10_000 }).toBeGreaterThan(5);
    await inside('vm2', 'ip', 'address', 'del', '10.1.0.200/24', 'dev', 'eth0');
    await inside('vm2', 'ip', 'route', 'del', '10.1.0.11/32');
  });
});

describe('who answers for what', () => {
  const answers = async (address: string): Promise<boolean> => {
    await pings('ext', address);
    return (await inside('ext', 'ip', 'neigh', 'show', address)).includes('lladdr');
  };

  it('is proxy ARP for floating IPs at home here, and for nothing else (checklist 48, 56)', async () => {
    expect(await inside('ext', 'ip', 'neigh', 'show', '203.0.113.101')).toContain('fa:16:3e:00:02:04');
    await inside('ext', 'ip', 'route', 'add', '169.254.0.0/16', 'dev', 'eth0');
    await forgetNeighbours((...words) => inside('ext', 'ip', ...words));
    const answered = await Promise.all(['203.0.113.101', '203.0.113.88', '169.254.64.2', '169.254.64.3'].map(answers));
    expect(answered).toEqual([true, false, false, false]);
    await inside('ext', 'ip', 'route', 'del', '169.254.0.0/16');
  });

  it('is told to the world when it comes, and not again (checklist 49)', async () => {
    expect(node.told.map(({ device, ip }) => `${ip} ${device}`))
      .toEqual(['203.0.113.101 fg-ext', '203.0.113.104 fg-ext', '203.0.113.20 qg-ext']);
    const other = '0e:00:00:00:00:99';
    await inside('ext', 'ip', 'neigh', 'replace', '203.0.113.101', 'lladdr', other, 'dev', 'eth0', 'nud', 'stale');
    await node.build(viewWith(both));
    expect(await inside('ext', 'ip', 'neigh', 'show', '203.0.113.101')).toContain(other);
    await node.build(viewWith([fips.vm4]));
    await node.build(viewWith(both));
    const believed = (): Promise<string> => inside('ext', 'ip', 'neigh', 'show', '203.0.113.101');
    await expect.poll(believed, { timeout: 10_000 }).toContain('fa:16:3e:00:02:04');
    expect([node.told.length, node.complaints]).toEqual([4, []]);
  });
});

describe('the agent', () => {
  it('finds all as it was built, and so does the next one, which announces nothing', async () => {
    expect(await node.look()).toEqual([]);
    node.told.length = 0;
    node.restart();
    const heard = keepTalking('ext', '203.0.113.101');
    await expect.poll(heard, { timeout: 10_000 }).toBeGreaterThan(0);
    const before = heard();
    await node.build(viewWith(both));
    expect([node.told, await node.look()]).toEqual([[], []]);
    await expect.poll(heard, { timeout: 10_000 }).toBeGreaterThan(before + 5);
  });

  it.each<[string, Host, string[]]>([
    ['a rule', 'qrouter-r1', ['ip', 'rule', 'del', 'priority', '40000', 'from', '10.1.0.11']],
    ['an nft rule', 'snat-r1', ['nft', 'flush', 'chain', 'ip', 'dvr_snat', 'out']],
    ['a floating IP\'s route', 'fip-ext', ['ip', 'route', 'del', '203.0.113.101/32']],
    ['the link to the FIP namespace', 'qrouter-r1', ['ip', 'link', 'del', 'rfp-r1']],
    ['a default route', 'snat-r1', ['ip', 'route', 'del', 'default']],
  ])('mends %s that somebody takes away', async (_, where, words) => {
    await inside(where, ...words);
    expect((await node.look()).length).toBeGreaterThan(0);
    await node.build(viewWith(both));
    expect(await node.look()).toEqual([]);
    expect([await sourceOf('vm1', '203.0.113.10'), await sourceOf('vm3', '203.0.113.10')])
      .toEqual(['203.0.113.101', '203.0.113.20']);
  });

  it('leaves alone what is not its own', async () => {
    await inside('snat-r1', 'ip', 'route', 'add', '192.0.2.0/24', 'via', '203.0.113.10');
    await inside('snat-r1', 'ip', 'rule', 'add', 'from', '192.0.2.1', 'lookup', '77', 'priority', '77');
    await inside('snat-r1', 'nft', 'add', 'table', 'ip', 'mine');
    node.restart();
    await node.build(viewWith(both));
    const there = await inside('snat-r1', 'sh', '-c', 'ip route; ip rule; nft list tables');
    expect(there).toMatch(/192\.0\.2\.0\/24 via[^]*77:[^]*table ip mine/);
    await inside('snat-r1', 'sh', '-c', 'ip route del 192.0.2.0/24; ip rule del priority 77; nft delete table ip mine');
  });
});

describe('a floating IP that changes', () => {
  it('cuts its connections when it goes, and leaks none of them (checklist 54)', async () => {
    const [inward, outward] = [keepTalking('ext', '203.0.113.101'), keepTalking('vm1', '203.0.113.10')];
    await expect.poll(() => Math.min(inward(), outward()), { timeout: 10_000 }).toBeGreaterThan(3);
    await node.build(viewWith([fips.vm4]));
    const [in1, out1] = [inward(), outward()];
    await sleep(1500);
    expect([inward() - in1, outward() - out1]).toEqual([0, 0]);
    expect(await conntrack('qrouter-r1')).not.toContain('203.0.113.101');
    expect([await pings('ext', '203.0.113.101'), await sourceOf('vm1', '203.0.113.10')]).toEqual([false, '203.0.113.20']);
    expect(await pings('ext', '203.0.113.104')).toBe(true);
  });

  it('is found by an agent that was away when it went', async () => {
    await node.build(viewWith(both));
    expect(await pings('ext', '203.0.113.101')).toBe(true);
    node.restart();
    await node.build(viewWith([fips.vm4]));
    expect(await conntrack('qrouter-r1')).not.toContain('203.0.113.101');
    expect(await pings('ext', '203.0.113.101')).toBe(false);
  });

  it('goes to another VM of the node with what was connected cut (checklist 55)', async () => {
    await node.build(viewWith(both));
    expect(await pings('ext', '203.0.113.101')).toBe(true);
    await node.build(viewWith([{ ...fips.vm1, fixedIp: '10.1.0.13', port: 'vm3' }, fips.vm4]));
    expect(await conntrack('qrouter-r1')).not.toContain('203.0.113.101');
    expect([await sourceOf('vm3', '203.0.113.10'), await sourceOf('vm1', '203.0.113.10')]).toEqual(['203.0.113.101', '203.0.113.20']);
    expect(await sourceOf('ext', '203.0.113.101')).toBe('203.0.113.10');
  });

  it('works from the SNAT namespace where it has no better place (checklist 67, 68), for its own VM too', async () => {
    await node.build(viewWith([central, fips.vm4]));
    // A host that has just learned where an address is believes no other for a second (locktime), so it is told again.
    const believed = (): Promise<string> => inside('ext', 'ip', 'neigh', 'show', '203.0.113.101');
    await expect.poll(believed, { timeout: 10_000 }).toContain('fa:16:3e:00:02:03');
    expect(await sourceOf('ext', '203.0.113.101')).toBe('203.0.113.10');
    expect([await sourceOf('vm1', '203.0.113.10'), await sourceOf('vm1', '203.0.113.101'), await sourceOf('vm3', '203.0.113.101')])
      .toEqual(['203.0.113.101', '203.0.113.101', '203.0.113.20']);
  });

  it('leaves no link, rule or table when the gateway goes (checklist 46)', async () => {
    await node.build(viewWith([]));
    expect(await inside('qrouter-r1', 'nft', 'list', 'tables')).toBe('');
    const view = viewWith([]);
    await node.build({ ...view, externalNetworks: [], routers: view.routers.map(({ gateway: _, ...router }) => router) });
    const there = await inside('qrouter-r1', 'sh', '-c', 'ip -brief link; ip rule; ip route show table all proto 200');
    expect(there).not.toMatch(/rfp-|proto 200|table/);
    await node.build(viewWith(both));
    expect([await sourceOf('vm1', '203.0.113.10'), await sourceOf('vm3', '203.0.113.10')]).toEqual(['203.0.113.101', '203.0.113.20']);
  });
});

describe('a port that is forwarded', () => {
  const forwarded = (externalIp: string, externalPort: number, fixedIp: string) =>
    ({ protocol: 'tcp', externalIp, externalPort, fixedIp, internalPort: 7000 } as const);
  const portForwardings = [
    forwarded('203.0.113.20', 8080, '10.1.0.13'), forwarded('203.0.113.20', 8081, '10.2.0.12'),
    forwarded('203.0.113.20', 8082, '10.1.0.11'), forwarded('203.0.113.150', 8080, '10.2.0.12'),
  ];

  it.each([['203.0.113.20:8080', 5561], ['203.0.113.20:8081', 5562], ['203.0.113.20:8082', 5563], ['203.0.113.150:8080', 5564]] as const)(
    '%s leads from outside to its VM, which sees who asks and from which port', async (target, port) => {
      await node.build(viewWith([central, fips.vm4], { portForwardings }));
      expect(await seenBy('ext', target, port)).toBe(`203.0.113.10 ${port}`);
    });

  it('is the one that leads there: others of the address are closed, and the VMs go out as they did', async () => {
    expect([await seenBy('ext', '203.0.113.20:7000'), await seenBy('ext', '203.0.113.150:8081')]).toEqual(['nothing', 'nothing']);
    expect([await sourceOf('vm3', '203.0.113.10'), await sourceOf('vm2', '198.51.100.9'), await sourceOf('vm1', '203.0.113.10')])
      .toEqual(['203.0.113.20', '203.0.113.20', '203.0.113.101']);
    expect(await sourceOf('ext', '203.0.113.101')).toBe('203.0.113.10');
  });

  it.each<[Host, string]>([['vm3', '203.0.113.20'], ['vm2', '203.0.113.20'], ['vm1', '203.0.113.101'], ['vm4', '203.0.113.104']])(
    'leads %s there too, behind whichever address it speaks as, be it the VM itself', async (vm, source) => {
      const seen = await Promise.all(['203.0.113.20:8080', '203.0.113.20:8081', '203.0.113.150:8080'].map((target) => sourceOf(vm, target)));
      expect(seen).toEqual([source, source, source]);
    });

  it('ends with its connections when it goes, and is found by an agent that was away then', async () => {
    const [gone, kept] = [keepTalking('ext', '203.0.113.20:8080'), keepTalking('ext', '203.0.113.20:8081')];
    await expect.poll(() => Math.min(gone(), kept()), { timeout: 10_000 }).toBeGreaterThan(3);
    node.restart();
    await node.build(viewWith(both, { portForwardings: portForwardings.slice(1, 2) }));
    const [one, other] = [gone(), kept()];
    await expect.poll(kept, { timeout: 10_000 }).toBeGreaterThan(other + 5);
    expect([gone(), await sourceOf('ext', '203.0.113.20:8080'), await sourceOf('ext', '203.0.113.150:8080')]).toEqual([one, 'nothing', 'nothing']);
    expect(await conntrack('snat-r1')).not.toContain('dport=8080');
    await node.build(viewWith(both));
  });
});

describe('a route by a next hop in the external network', () => {
  it('is taken from behind SNAT and by floating IPs, though a wider one leads to a tenant', async () => {
    const routes = [{ destination: '192.0.2.0/24', via: '203.0.113.77' }, { destination: '192.0.0.0/8', via: '10.1.0.13' }];
    expect([await sourceOf('vm3', '192.0.2.9'), await sourceOf('vm1', '192.0.2.9')]).toEqual(['nothing', 'nothing']);
    await node.build(withRouter(viewWith(both), { routes }));
    expect([await sourceOf('vm2', '192.0.2.9'), await sourceOf('vm3', '192.0.2.9'), await sourceOf('vm1', '192.0.2.9')])
      .toEqual(['203.0.113.20', '203.0.113.20', '203.0.113.101']);
    expect(await inside('qrouter-r1', 'ip', 'route', 'get', '192.0.9.9', 'from', '10.2.0.12', 'iif', 'qr-green')).toContain('via 10.1.0.13');
    expect(await node.look()).toEqual([]);
    await node.build(viewWith(both));
    expect([await sourceOf('vm3', '192.0.2.9'), await sourceOf('vm1', '192.0.2.9')]).toEqual(['nothing', 'nothing']);
  });

  it('may be the default route, which then is not the provider\'s router\'s', async () => {
    await node.build(withRouter(viewWith(both), { routes: [{ destination: '0.0.0.0/0', via: '203.0.113.77' }] }));
    expect([await sourceOf('vm3', '192.0.2.9'), await sourceOf('vm1', '192.0.2.9')]).toEqual(['203.0.113.20', '203.0.113.101']);
    expect(await sourceOf('vm3', '198.51.100.9')).toBe('nothing');
    await node.build(viewWith(both));
    expect(await sourceOf('vm3', '198.51.100.9')).toBe('203.0.113.20');
  });
});

describe('a router without SNAT', () => {
  it('lets private addresses out as they are', async () => {
    await node.build(viewWith([], { snat: false }));
    await inside('ext', 'ip', 'route', 'add', '10.1.0.0/24', 'via', '203.0.113.20');
    expect([await sourceOf('vm3', '203.0.113.10'), await sourceOf('ext', '10.1.0.13')]).toEqual(['10.1.0.13', '203.0.113.10']);
    await inside('ext', 'ip', 'route', 'del', '10.1.0.0/24');
    await node.build(viewWith(both));
  });
});

describe('a namespace that loses its device to a tenant subnet', () => {
  const unreachable = async (where: Host, target: string): Promise<string | undefined> =>
    /From (\S+) icmp_seq=1 Destination (Host|Net) Unreachable/.exec(
      await inside(where, 'sh', '-c', `ping -c 2 -i 0.2 -W 1 ${target}; true`))?.[1];
  const strayed = async (): Promise<number> =>
    Number(/packets (\d+)/.exec(await inside('ext', 'nft', 'list', 'table', 'ip', 'strayed'))?.[1]);

  it('says that the subnet cannot be reached, and sends nothing that is for it by the default route', async () => {
    await inside('ext', 'nft', 'table ip strayed { chain in { type filter hook prerouting priority raw; ip daddr 10.0.0.0/8 counter; }; }');
    await inside('qrouter-r1', 'ip', 'link', 'set', 'qr-green', 'down');
    expect([await unreachable('vm1', '10.2.0.14'), await unreachable('vm3', '10.2.0.14')]).toEqual(['10.1.0.1', '10.1.0.1']);
    await node.look();
    await node.build(viewWith([{ ...fips.vm4, placement: 'central' }]));
    await inside('snat-r1', 'ip', 'link', 'set', 'sg-green', 'down');
    expect(await unreachable('ext', '203.0.113.104')).toBe('203.0.113.104');
    expect(await strayed()).toBe(0);
    await node.look();
    await node.build(viewWith(both));
    expect([await node.look(), await pings('vm1', '10.2.0.14'), await pings('ext', '203.0.113.104')]).toEqual([[], true, true]);
  });
});

describe('what is too big for a tenant network', () => {
  it('is told so to who sent it to a floating IP, by the floating IP', async () => {
    await inside('qrouter-r1', 'ip', 'link', 'set', 'qr-red', 'mtu', '1400');
    const said = await inside('ext', 'sh', '-c', 'ping -c 2 -i 0.3 -W 1 -M do -s 1450 203.0.113.101 2>&1; true');
    expect(said).toMatch(/From 203\.0\.113\.101 .*(Frag needed|mtu = 1400)|message too long, mtu=1400/);
    await inside('qrouter-r1', 'ip', 'link', 'set', 'qr-red', 'mtu', '1500');
  });
});

describe('what leaves for the world', () => {
  it('had an address of the world through all of this: no guard had to drop anything', async () => {
    expect(await dropped('snat-r1')).toEqual([0]);
    expect(await dropped('fip-ext')).toEqual([0]);
  });
});
