/**
 * IPv6 as guests have it: the kernel of each VM makes its address and default route of what the local copy of its
 * router advertises, and the wire between nodes carries nothing of that.
 *
 *     cn1: vm1 (red)  ══ vm3 (red), vm2 (green): cn2      leaf1: a foreign VTEP of red with a router of its own
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cidr, MacAddress } from '../../src/model/addresses.js';
import { slaacIp } from '../../src/model/slaac.js';
import type { Frame } from '../../src/trace/frame.js';
import {
  capture, drops, dropsSince, innerOf, mustBeZero, names, putTopology, sendToVtep, wire, within, type Hop, type Names,
  type Seen,
} from '../support/cloud.js';
import { kAllNodesMac, routerAdvertisement, vxlan } from '../support/frames.js';
import { run, withLab } from '../support/lab.js';
import { forgetNeighboursAt } from '../support/neighbours.js';

const topology = (moreOfRed = ''): string => `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
interop_vteps: { leaf1: { vtep: 172.16.0.99, networks: [red] } }
networks:
  red:   { vni: 101, mtu: 1400, subnets: [10.1.0.0/24, { cidr: "fd01::/64", ipv6: slaac }${moreOfRed}] }
  green: { vni: 102, subnets: [10.2.0.0/24, { cidr: "fd02::/64", ipv6: stateful }] }
routers: { r1: { networks: [red, green] } }
ports:
  vm1: { network: red, node: cn1, ip: 10.1.0.11 }
  vm2: { network: green, node: cn2, ips: [10.2.0.12, "fd02::12"] }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
`;
const kAllNodes = 'ff02::1';
const kLeafMac = '02:00:00:00:00:99';
const kCommandMs = 5000;
/** Type of the ICMPv6 message, where no extension header stands before it. */
const kRouterSolicitation = 133, kRouterAdvertisement = 134, kNeighbourSolicitation = 135;
const kIcmpAt = 14 + 40;

const advertisements = (vm: string): Hop => [`dvr-${vm}`, 'eth0', `icmp6 and ip6[40] == ${kRouterAdvertisement}`];
const made = (prefix: string, mac: string): string => slaacIp(prefix as Cidr, mac as MacAddress);
const linkLocal = (mac: string): string => made('fe80::/64', mac);

/** Of discovery, what a router alone says or is asked. */
const aboutRouters = (frames: readonly Frame[], routerIps: readonly string[]): Frame[] => frames.filter(({ ip }) =>
  ip?.icmp !== undefined && ip.version === 6 && (
    ip.icmp.type === kRouterSolicitation || ip.icmp.type === kRouterAdvertisement ||
    (ip.icmp.type === kNeighbourSolicitation && routerIps.includes(ip.icmp.target ?? ''))));

describe('an IPv6 subnet that routers advertise', () => {
  const lab = withLab(topology());
  let of: Names;
  beforeAll(async () => { of = await names(); });

  const shown = async (vm: string, ...words: string[]): Promise<Readonly<Record<string, unknown>>[]> =>
    JSON.parse(mustBeZero(await lab.exec(vm, ['ip', '-6', '-json', ...words])).stdout || '[]') as Record<string, unknown>[];
  const globals = async (vm: string): Promise<string[]> => (await shown(vm, 'address', 'show', 'dev', 'eth0', 'scope', 'global'))
    
    // iproute2 leaves an empty object for each address of another scope.
    .flatMap(({ addr_info: infos }) => (infos as { local?: string }[]).flatMap(({ local }) => local ?? [])).sort();
  const defaults = async (vm: string): Promise<string[]> => (await shown(vm, 'route', 'show', 'default'))
    .map(({ gateway, protocol }) => `${String(gateway)} ${String(protocol)}`);
  const hasRoute = (vm: string) => async (): Promise<boolean> => (await defaults(vm)).length > 0;
  /** As a guest does when its link comes back: it forgets all of IPv6 and asks anew. */
  const askAnew = async (vm: string): Promise<void> => {
    for (const value of ['1', '0'])
      mustBeZero(await lab.exec(vm, ['sysctl', '-qw', `net.ipv6.conf.eth0.disable_ipv6=${value}`]));
    await within(`${vm} has a default route again`, hasRoute(vm));
  };

  it('checklist 25: gives hosts on all nodes the same default route, the link-local address of the gateway MAC', async () => {
    for (const [vm, network] of [['vm1', 'red'], ['vm3', 'red'], ['vm2', 'green']] as const) {
      await within(`${vm} has a default route`, hasRoute(vm));
      expect(await defaults(vm), vm).toEqual([`${linkLocal(of.gatewayMac(network))} ra`]);
    }
  });

  it('has hosts make the address of prefix and MAC where it is slaac, and keep the given one where it is stateful', async () => {
    expect(await globals('vm1')).toEqual([made('fd01::/64', of.mac('vm1'))]);
    expect(await globals('vm3')).toEqual([made('fd01::/64', of.mac('vm3'))]);
    expect(await globals('vm2')).toEqual(['fd02::12']);
  });

  it('carries IPv6 across nodes, routed and in one subnet, and from attach on IPv4 as ever', async () => {
    expect(await lab.ping('vm1', 'fd02::12')).toBe(3);
    expect(await lab.ping('vm2', made('fd01::/64', of.mac('vm1')))).toBe(3);
    expect(await lab.ping('vm1', made('fd01::/64', of.mac('vm3')))).toBe(3);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });

  it('checklist 25: question and answer stay on their node, and other hosts hear neither', async () => {
    const routerIps = ['fd01::1', 'fd02::1', ...['red', 'green'].map((network) => linkLocal(of.gatewayMac(network)))];
    const seen = await capture(lab, { vm1: advertisements('vm1'), vm3: advertisements('vm3'), wire }, async () => {
      await askAnew('vm1');
      await forgetNeighboursAt(lab, 'vm1');
      expect(await lab.ping('vm1', 'fd02::12')).toBe(3);
      expect(await lab.ping('vm1', 'fd01::1')).toBe(3);
    });
    expect(seen.vm1.map(({ srcMac, dstMac, ip }) => [srcMac, dstMac, ip?.src])).toEqual(
      seen.vm1.map(() => [of.gatewayMac('red'), of.mac('vm1'), linkLocal(of.gatewayMac('red'))]));
    expect(seen.vm1.length).toBeGreaterThan(0);
    expect(seen.vm3).toEqual([]);
    expect(innerOf(seen.wire).length).toBeGreaterThan(0);
    expect(aboutRouters(innerOf(seen.wire), routerIps)).toEqual([]);
  });

  it('is said with the network\'s MTU, and with the M flag where addresses are given', async () => {
    const said = await capture(lab, { vm1: advertisements('vm1') }, () => askAnew('vm1'));
    const [{ data } = { data: Buffer.alloc(0) }] = said.vm1 as Seen[];
    expect(data.readUInt8(kIcmpAt + 5) & 0xc0).toBe(0);
    expect(data.readUInt32BE(kIcmpAt + 28)).toBe(1400);
    const { stdout } = mustBeZero(await lab.exec('vm1', ['sysctl', '-n', 'net.ipv6.conf.eth0.mtu']));
    expect(stdout.trim()).toBe('1400');
    const green = await capture(lab, { vm2: advertisements('vm2') }, async () => {
      await putTopology(topology());
      await lab.exec('vm2', ['ip', 'link', 'set', 'eth0', 'down']);
      await lab.exec('vm2', ['ip', 'link', 'set', 'eth0', 'up']);
      await within('vm2 has a default route again', hasRoute('vm2'));
    });
    expect(green.vm2[0]?.data.readUInt8(kIcmpAt + 5)).toBe(0x80);
  });

  it('is told to hosts unasked when it changes: each by its own node\'s copy, none by the wire', async () => {
    const seen = await capture(lab, { vm1: advertisements('vm1'), vm3: advertisements('vm3'), wire }, async () => {
      await putTopology(topology(', { cidr: "fd03::/64", ipv6: slaac }'));
      for (const vm of ['vm1', 'vm3']) {
        await within(`${vm} has an address of the new prefix`, async () =>
          (await globals(vm)).includes(made('fd03::/64', of.mac(vm))));
      }
      expect(await lab.ping('vm1', made('fd03::/64', of.mac('vm3')))).toBe(3);
    });
    for (const frames of [seen.vm1, seen.vm3]) {
      expect(frames.length).toBeGreaterThan(0);
      for (const { srcMac, dstMac, ip } of frames)
        expect([srcMac, dstMac, ip?.src, ip?.dst]).toEqual([of.gatewayMac('red'), kAllNodesMac, linkLocal(of.gatewayMac('red')), kAllNodes]);
    }
    expect(aboutRouters(innerOf(seen.wire), [])).toEqual([]);
  });

  describe('beside a foreign VTEP', () => {
    const leafCommands = [
      'ip netns add dvr-leaf1',
      'ip -n dvr-fabric link add leaf1 mtu 1600 type veth peer name eth0 mtu 1600 netns dvr-leaf1',
      'ip -n dvr-fabric link set leaf1 master underlay up',
      'ip -n dvr-leaf1 address add 172.16.0.99/24 dev eth0',
      'ip -n dvr-leaf1 link set eth0 up',
    ];
    beforeAll(async () => {
      for (const line of leafCommands) {
        const [file = '', ...words] = line.split(' ');
        mustBeZero(await run(file, words, kCommandMs));
      }
    });
    afterAll(() => run('ip', ['netns', 'delete', 'dvr-leaf1'], kCommandMs));

    it('checklist 26: has hosts hear no advertisement of what lives behind that', async () => {
      const from = linkLocal(kLeafMac);
      const forged = vxlan(101, routerAdvertisement({ src: kLeafMac, dst: kAllNodesMac, from, to: kAllNodes }));
      const before = await drops();
      const seen = await capture(lab, { vm1: advertisements('vm1') }, async () => {
        await sendToVtep(lab, 'leaf1', of.vtep('cn1'), [forged]);
        await within('the advertisement is dropped', async () =>
          (await dropsSince(before))['cn1 router_advertisement_from_tunnel'] === 1);
      });
      expect(seen.vm1).toEqual([]);
      expect(await defaults('vm1')).toEqual([`${linkLocal(of.gatewayMac('red'))} ra`]);
    });
  });
});
