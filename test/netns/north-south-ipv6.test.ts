/**
 * IPv6 in and out without NAT, by the same namespaces as IPv4: vm3 on cn2 makes its addresses of two prefixes of its
 * network, vm4 has a given one. The world outside has static routes to the router's address: nobody tells it of tenants.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Cidr, MacAddress } from '../../src/model/addresses.js';
import { slaacIp } from '../../src/model/slaac.js';
import { capture, hop, mustBeZero, names, within, type Hop, type Names, type Seen, wire } from '../support/cloud.js';
import { withLab, type Lab } from '../support/lab.js';
import { host, outsideNames, type OutsideNames, provider, topologyWithOutside, untilPings, visitorOf } from '../support/outside.js';

const kPrefixes = ['2001:db8:1::/64', '2001:db8:11::/64'] as const;
const kVm4 = '2001:db8:2::14';
const kHost = '2001:db8:f::a';
const kUpstream = '2001:db8:f::1';
const kFar = '2001:db8:51::9';
/** Behind the host, which the provider's router knows nothing of. */
const kBesideIt = ['192.0.2.9/32', '2001:db8:77::9/128'] as const;
const topology = (snatPath: string): string => topologyWithOutside(`
networks:
  blue: { vni: 103, subnets: [10.3.0.0/24], mtu: 1500 }
  green: { vni: 102, subnets: [10.2.0.0/24, "2001:db8:2::/64"], mtu: 1500 }
  red: { vni: 101, subnets: [10.1.0.0/24, ${kPrefixes.map((cidr) => `{ cidr: "${cidr}", ipv6: slaac }`).join(', ')}], mtu: 1500 }
routers: { r1: { networks: [red, green], gateway: { network: ext, snat_path: ${snatPath} },
  routes: [{ destination: 192.0.2.0/24, via: ${host} }, { destination: "2001:db8:77::/64", via: "${kHost}" }] } }
ports:
  vm0: { network: blue, node: cn2, ip: 10.3.0.10 }
  vm3: { network: red, node: cn2, ip: 10.1.0.13 }
  vm4: { network: green, node: cn1, ips: [10.2.0.14, "${kVm4}"] }
`, { externalNetworks: { ext: {
  physical_network: 'physnet1',
  subnets: [{ cidr: '203.0.113.0/24', pool: '203.0.113.20-203.0.113.99' }, { cidr: '2001:db8:f::/64' }],
} } });

/** What the provider has to do: a network beyond its router, and the way to the tenants' prefixes. */
async function knowTheWay(lab: Lab, gateway: string): Promise<void> {
  const ip = async (place: string, words: string): Promise<void> => { mustBeZero(await lab.exec(place, ['ip', '-6', ...words.split(' ')])); };
  for (const beside of kBesideIt) mustBeZero(await lab.exec('ext', ['ip', 'address', 'add', beside, 'dev', 'lo']));
  await ip('ext', `address add ${kFar}/64 dev beyond nodad`);
  await ip('upstream', 'address add 2001:db8:51::1/64 dev beyond nodad');
  await ip('ext', 'route add default via 2001:db8:51::1 dev beyond table 106');
  await ip('ext', `rule add from ${kFar} lookup 106`);
  await ip('ext', `route replace default via ${kUpstream} dev eth0`);
  for (const prefix of [...kPrefixes, '2001:db8:2::/64']) await ip('upstream', `route add ${prefix} via ${gateway} dev eth0`);
}

const at = ([place, device]: Hop, filter = 'icmp6'): Hop => [place, device, filter];
const echoes = (seen: readonly Seen[], type: 'request' | 'reply'): object[] => seen
  .filter(({ ip }) => ip?.version === 6 && ip.icmp?.type === (type === 'request' ? 128 : 129))
  .map(({ srcMac, dstMac, ip }) => ({ srcMac, dstMac, src: ip?.src, dst: ip?.dst, ttl: ip?.ttl }));

describe.each(['router', 'direct'])('IPv6 to the world, with snat_path %s', (snatPath) => {
  const lab = withLab(topology(snatPath));
  const extra = snatPath === 'router' ? 1 : 0;
  let of: Names;
  let out: OutsideNames;
  let qg: string;
  let vm3: readonly string[];

  beforeAll(async () => {
    of = await names();
    out = await outsideNames();
    qg = out.gateway.addresses.find((address) => address.includes(':'))?.split('/')[0] ?? '';
    vm3 = kPrefixes.map((prefix) => slaacIp(prefix as Cidr, of.mac('vm3') as MacAddress));
    await knowTheWay(lab, qg);
    await untilPings(lab, 'vm4', kHost);
    await within('vm3 has its addresses and a way out', async () => (await lab.ping('vm3', kHost, { count: 1, args: ['-W', '1'] })) === 1);
  });

  it('goes from the VM by its own node\'s router and the SNAT namespace, and comes back straight to it, as it is', async () => {
    const [source = ''] = vm3;
    const hops = {
      vm: at(hop.vm('vm3')), qr: at(hop.qr('cn2', 'red')), qrN: at(hop.qr('nn1', 'red')), wire,
      sg: at(['dvr-nn1-snat-r1', 'sg-red']), qg: at(['dvr-nn1-snat-r1', 'qg-ext']), brEx: at(hop.brEx('nn1')), provider: provider('icmp6'),
      far: at(['ext', 'beyond']),
    } as const satisfies Record<string, Hop>;
    const seen = await capture(lab, hops, async () => {
      expect(await lab.ping('vm3', kFar, { count: 1, args: ['-I', source] })).toBe(1);
    }, true);
    const to = { src: source, dst: kFar };
    const back = { src: kFar, dst: source };
    const next = snatPath === 'router' ? of.gatewayMac('red') : out.sg('red').mac;
    expect(echoes(seen.vm, 'request')).toEqual([{ ...to, srcMac: of.mac('vm3'), dstMac: of.gatewayMac('red'), ttl: 64 }]);
    expect(echoes(seen.qr, 'request').at(-1)).toEqual({ ...to, srcMac: of.gatewayMac('red'), dstMac: next, ttl: 63 });
    expect(echoes(seen.qrN, 'request')).toHaveLength(2 * extra);
    expect(echoes(seen.sg, 'request')).toEqual([{ ...to, srcMac: of.gatewayMac('red'), dstMac: out.sg('red').mac, ttl: 63 - extra }]);
    for (const place of [seen.qg, seen.brEx, seen.provider]) expect(echoes(place, 'request')).toMatchObject([{ ...to, srcMac: out.qg.mac, ttl: 62 - extra }]);
    expect(echoes(seen.far, 'request')).toMatchObject([{ ...to, ttl: 61 - extra }]);
    expect(echoes(seen.provider, 'reply')).toMatchObject([{ ...back, dstMac: out.qg.mac, ttl: 63 }]);
    expect(echoes(seen.vm, 'reply')).toEqual([{ ...back, srcMac: out.sg('red').mac, dstMac: of.mac('vm3'), ttl: 62 }]);
    expect([echoes(seen.qr, 'reply'), echoes(seen.qrN, 'reply')]).toEqual([[], []]);
    const inner = seen.wire.flatMap(({ ip }) => ip?.vxlan?.inner ?? []).filter(({ ip }) => ip?.dst === kFar);
    expect(inner).toMatchObject([{ srcMac: of.dvrMac('cn2'), dstMac: next }]);
  });

  it.each([0, 1])('old bug 47: goes out and is reached by prefix %i of the two that the network has', async (index) => {
    const source = vm3[index] ?? '';
    expect(await lab.ping('vm3', kHost, { args: ['-I', source] })).toBe(3);
    expect([await lab.ping('ext', source), await lab.ping('ext', source, { args: ['-I', kFar] })]).toEqual([3, 3]);
    const page = await lab.exec('vm3', ['curl', '--silent', '--max-time', '5', '--interface', source, `http://[${kFar}]/`]);
    expect(mustBeZero(page).stdout).toContain(`you are ${source} port`);
  });

  it('takes a VM with a given address out and in, and leaves IPv4 to source NAT beside it', async () => {
    expect([await lab.ping('vm4', kFar), await lab.ping('ext', kVm4)]).toEqual([3, 3]);
    expect(await visitorOf(lab, 'vm4', `[${kHost}]`)).toBe(kVm4);
    expect([await visitorOf(lab, 'vm4', host), await visitorOf(lab, 'vm3', host)]).toEqual([out.qg.ip, out.qg.ip]);
  });

  it('is what a walk shows, from the VM and to it', async () => {
    const out = await lab.dvr('walk', 'vm4', kHost);
    expect(out.stdout).toMatch(/ NS9 .* as it is, without NAT [^]*DELIVERED to 2001:db8:f::a, outside/);
    const back = await lab.dvr('walk', kHost, kVm4);
    expect(back.stdout).toMatch(/ NB1 [^]* NB2 .* as it is, without NAT [^]*DELIVERED to vm4/);
  });

  it('takes routes of the router by a next hop on the provider\'s wire, of both families', async () => {
    expect([await visitorOf(lab, 'vm3', '192.0.2.9'), await visitorOf(lab, 'vm4', '[2001:db8:77::9]')]).toEqual([out.qg.ip, kVm4]);
  });

  it('shows the router, sg and the provider in a trace', async () => {
    const seen: string[] = [];
    for (let limit = 1; limit <= 3 + extra; limit++) {
      // Three times: how many errors a machine sends in all is limited, over all of its namespaces (icmp_msgs_per_sec).
      const { stdout } = await lab.exec('vm4', ['ping', '-c', '3', '-i', '0.3', '-W', '2', '-t', `${limit}`, kFar]);
      seen.push(/^From (\S+)/m.exec(stdout)?.[1] ?? 'nobody');
    }
    const sg = out.gateway.snatPorts.find(({ network }) => network === 'green')?.addresses.find((address) => address.includes(':'))?.split('/')[0];
    expect(seen).toEqual([...(snatPath === 'router' ? ['2001:db8:2::1', '2001:db8:2::1'] : ['2001:db8:2::1']), sg, kUpstream]);
  });

  it('ends at the router\'s own address, where nothing of a tenant is asked for on the provider\'s wire', async () => {
    const { asked } = await capture(lab, { asked: provider('icmp6 and ip6[40] == 135') }, async () => {
      expect([await lab.ping('ext', qg), await lab.ping('vm3', qg)]).toEqual([3, 3]);
    });
    expect(asked.map(({ ip }) => ip?.icmp?.target).filter((target) => !/^(2001:db8:f:|fe80:)/.test(target ?? ''))).toEqual([]);
  });
});
