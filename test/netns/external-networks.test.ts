/**
 * Two external networks on one wire, one flat and one with a provider VLAN, each with a router of its own; and the
 * tenants behind the two have the same addresses. The outside's VLAN devices are a test's (vlan-device.py) where
 * the kernel makes none.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../src/lab/scripts.js';
import { capture, hop, mustBeZero, putTopology, type Seen, within } from '../support/cloud.js';
import { run, withLab } from '../support/lab.js';
import {
  arpAnswers, farHost, nothingPrivateOutside, outsideNames, type OutsideNames, provider, topologyWithOutside, untilPings, visitorOf,
} from '../support/outside.js';

const kVlan = 500;
const kTopology = topologyWithOutside(`
networks:
  red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 }
  blue: { vni: 103, subnets: [10.1.0.0/24], mtu: 1500 }
routers:
  r1: { networks: [red], gateway: ext }
  r2: { networks: [blue], gateway: tagged }
ports:
  red1: { network: red, node: cn1, ip: 10.1.0.11 }
  blue1: { network: blue, node: cn1, ip: 10.1.0.11 }
  red3: { network: red, node: cn2, ip: 10.1.0.13 }
  blue3: { network: blue, node: cn2, ip: 10.1.0.13 }
  red5: { network: red, node: cn2, ip: 10.1.0.15 }
floating_ips: { 203.0.113.101: { port: red1 }, 192.0.2.101: { port: blue1 }, 198.18.5.101: { port: red5 } }
`, { externalNetworks: {
  ext: { physical_network: 'physnet1', subnets: [
    { cidr: '203.0.113.0/24', gateway: '203.0.113.1', pool: '203.0.113.20-203.0.113.99' },
    { cidr: '198.18.5.0/24', gateway: '198.18.5.1' },
  ] },
  tagged: { physical_network: 'physnet1', vlan: kVlan, subnets: [{ cidr: '192.0.2.0/24', gateway: '192.0.2.1', pool: '192.0.2.20-192.0.2.99' }] },
} });
const support = fileURLToPath(new URL('../support/', import.meta.url));

describe('two external networks on one wire', () => {
  const lab = withLab(kTopology);
  nothingPrivateOutside(lab);
  let flat: OutsideNames;
  let tagged: OutsideNames;

  beforeAll(async () => {
    for (const place of ['ext', 'upstream']) await lab.start(place, ['python3', `${support}vlan-device.py`, 'eth1', `${kVlan}`]);
    mustBeZero(await run(join(root, 'scripts/lab/outside.sh'), [
      'up', '--device', 'eth1', '--vlan', `${kVlan}`, '--host', '192.0.2.10/24', '--gateway', '192.0.2.1/24'], 10_000));
    flat = await outsideNames('r1', 'ext');
    tagged = await outsideNames('r2', 'tagged');
    await untilPings(lab, 'red3', '203.0.113.10');
    await untilPings(lab, 'blue3', '192.0.2.10');
  });

  const vlansOf = (seen: readonly Seen[]): unknown[] => [...new Set(seen.map(({ vlan }) => vlan))];

  it('checklist 57: tenants with the same address leave each as its own router, through namespaces of their own', async () => {
    expect(await visitorOf(lab, 'red3', '203.0.113.10')).toBe(flat.qg.ip);
    expect(await visitorOf(lab, 'blue3', '192.0.2.10')).toBe(tagged.qg.ip);
    expect(await visitorOf(lab, 'red1', '203.0.113.10')).toBe('203.0.113.101');
    expect(await visitorOf(lab, 'blue1', '192.0.2.10')).toBe('192.0.2.101');
    const names = mustBeZero(await lab.exec('cn1', ['ip', 'netns', 'list'])).stdout;
    for (const name of ['fip-ext', 'fip-tagged']) expect(names).toContain(name);
  });

  it('checklist 32: the tagged one has its provider VLAN on the wire both ways, the flat one no tag', async () => {
    const seen = await capture(lab, { wire: provider() }, async () => {
      for (const [vm, host] of [['red3', '203.0.113.10'], ['blue3', '192.0.2.10'], ['red1', '203.0.113.10'], ['blue1', '192.0.2.10']] as const) {
        expect(await lab.ping(vm, host, { count: 1 })).toBe(1);
      }
    });
    const of = (start: string): Seen[] => seen.wire.filter(({ ip }) => ip?.icmp !== undefined && ip.src.startsWith(start));
    expect([of('192.0.2.').length, vlansOf(of('192.0.2.'))]).toEqual([4, [kVlan]]);
    expect([of('203.0.113.').length, vlansOf(of('203.0.113.'))]).toEqual([4, [undefined]]);
  });

  it('each reaches beyond the provider\'s router, which has a foot in both', async () => {
    for (const vm of ['red1', 'blue1', 'red3', 'blue3']) expect(await lab.ping(vm, farHost, { count: 1 })).toBe(1);
  });

  it('each floating IP is answered for in its own network, and reached', async () => {
    expect(await arpAnswers(lab, '203.0.113.101')).toEqual([flat.fg('cn1').mac]);
    expect(await lab.ping('ext', '192.0.2.101')).toBe(3);
    expect(await lab.ping('ext', '203.0.113.101')).toBe(3);
  });

  it('checklist 58: a floating IP of a second subnet is answered for and reached, and both subnets are near to both', async () => {
    expect(await arpAnswers(lab, '198.18.5.101')).toEqual([flat.fg('cn2').mac]);
    for (const from of ['198.18.5.10', '203.0.113.10', farHost]) {
      expect(await lab.ping('ext', '198.18.5.101', { count: 1, args: ['-I', from] })).toBe(1);
    }
    expect(await visitorOf(lab, 'red5', '203.0.113.10')).toBe('198.18.5.101');
    const seen = await capture(lab, { wire: provider('icmp[0] == 8') }, async () => {
      expect(await lab.ping('red1', '198.18.5.10', { count: 1 })).toBe(1);
      expect(await lab.ping('red3', '198.18.5.10', { count: 1 })).toBe(1);
    });
    expect(seen.wire.map(({ ip }) => [ip?.src, ip?.dst])).toEqual([['203.0.113.101', '198.18.5.10'], [flat.qg.ip, '198.18.5.10']]);
  });

  it('a floating IP of one tenant is reached from the other over both networks, and sees its floating IP', async () => {
    const { blue1 } = await capture(lab, { blue1: hop.vm('blue1') }, async () => {
      expect(await lab.ping('red1', '192.0.2.101', { count: 1 })).toBe(1);
    });
    expect(blue1[0]?.ip).toMatchObject({ src: '203.0.113.101', dst: '10.1.0.11' });
  });
});

describe('a wire to the provider that is the nodes\' own underlay', () => {
  const sections = (way: string): string => `
networks: { red: { vni: 101, subnets: [10.1.0.0/24], mtu: 1500 } }
routers: { r1: { networks: [red]${way}
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
`;
  const nodes = { cn1: 11, cn2: 12, nn1: 21 };
  const topology = (way: string): string => topologyWithOutside(sections(way), {
    nodes: Object.fromEntries(Object.entries(nodes).map(([name, last]) =>
      [name, { vtep: `172.16.0.${last}`, provider: { physnet1: 'eth0' }, ...(name === 'nn1' ? { network_node: true } : {}) }])),
  });
  const lab = withLab(topology(', gateway: ext } }\nfloating_ips: { 203.0.113.101: { port: vm1 } }'));
  const promiscuity = async (): Promise<string | undefined> =>
    /promiscuity (\d+)/.exec(mustBeZero(await lab.exec('cn1', ['ip', '-details', 'link', 'show', 'eth0'])).stdout)?.[1];

  it('carries both, and all that the nodes say to each other themselves', async () => {
    await untilPings(lab, 'vm3', farHost);
    expect(await visitorOf(lab, 'vm1', '203.0.113.10')).toBe('203.0.113.101');
    expect(await lab.ping('ext', '203.0.113.101')).toBe(3);
    expect(await lab.ping('vm1', '10.1.0.13')).toBe(3);
    expect(await lab.ping('cn1', '172.16.0.12')).toBe(3);
  });

  it('is promiscuous for as long as something goes out by it, and the nodes go on without', async () => {
    expect(await promiscuity()).toBe('1');
    await putTopology(topology(' } }'));
    await within('cn1 lets go of its device', async () => (await promiscuity()) === '0');
    expect(await lab.ping('vm1', '10.1.0.13')).toBe(3);
    expect(await lab.ping('cn1', '172.16.0.12')).toBe(3);
  });
});
