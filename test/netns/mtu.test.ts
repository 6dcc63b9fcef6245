/** Checklist 36 and around it: what is too large is told so by the router, and fragments and small underlays work. */
import { beforeAll, describe, expect, it } from 'vitest';
import { capture, innerOf, names, transfer, wire, type Names } from '../support/cloud.js';
import { withLab } from '../support/lab.js';

const kPorts = `
ports:
  vm1: { network: red, node: cn1, ips: [10.1.0.11, "fd01::11"] }
  vm2: { network: green, node: cn2, ips: [10.2.0.12, "fd02::12"] }
  vm3: { network: red, node: cn2, ips: [10.1.0.13, "fd01::13"] }
`;
const kTopology = (redMtu: number, greenMtu: number, underlayMtu: number): string => `
underlay: { cidr: 172.16.0.0/24, mtu: ${underlayMtu} }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 } }
networks:
  red: { vni: 101, mtu: ${redMtu}, subnets: [10.1.0.0/24, "fd01::/64"] }
  green: { vni: 102, mtu: ${greenMtu}, subnets: [10.2.0.0/24, "fd02::/64"] }
routers: { r1: { networks: [red, green] } }
${kPorts}`;
/** Headers of a ping: IPv4 and ICMP, IPv6 and ICMPv6. */
const kEchoHeaderBytes = { 4: 28, 6: 48 } as const;
const kOuterBytes = 50;
const kEthernetBytes = 14;

const sized = (bytes: number, family: 4 | 6): string[] => ['-M', 'do', '-s', `${bytes - kEchoHeaderBytes[family]}`];

describe('a network of 1400 bytes behind one of 1500', () => {
  const lab = withLab(kTopology(1500, 1400, 1600));
  let of: Names;
  beforeAll(async () => { of = await names(); });

  it('checklist 36: a larger packet gets "fragmentation needed" with 1400 from the gateway of its own subnet', async () => {
    const seen = await capture(lab, { vm1: ['dvr-vm1', 'eth0', 'icmp[0] == 3'], wire },
      async () => { expect(await lab.ping('vm1', '10.2.0.12', { count: 1, args: sized(1450, 4) })).toBe(0); });
    expect(seen.vm1).toHaveLength(1);
    expect(seen.vm1[0]).toMatchObject({ srcMac: of.gatewayMac('red'), ip: { src: '10.1.0.1', dst: '10.1.0.11', icmp: { type: 3, code: 4 } } });
    expect(seen.vm1[0]?.data.readUInt16BE(kEthernetBytes + 20 + 6)).toBe(1400);
    expect(innerOf(seen.wire).filter(({ ip }) => ip?.version === 4)).toEqual([]);
  });

  it('checklist 36: a larger IPv6 packet gets "packet too big" with 1400 from the gateway of its own subnet', async () => {
    const seen = await capture(lab, { vm1: ['dvr-vm1', 'eth0', 'icmp6 and ip6[40] == 2'] },
      async () => { expect(await lab.ping('vm1', 'fd02::12', { count: 1, args: sized(1450, 6) })).toBe(0); });
    expect(seen.vm1).toHaveLength(1);
    expect(seen.vm1[0]).toMatchObject({ srcMac: of.gatewayMac('red'), ip: { src: 'fd01::1', dst: 'fd01::11', icmp: { type: 2, code: 0 } } });
    expect(seen.vm1[0]?.data.readUInt32BE(kEthernetBytes + 40 + 4)).toBe(1400);
  });

  it.each([['10.2.0.12', 4], ['fd02::12', 6]] as const)('passes packets of just 1400 bytes to %s', async (address, family) => {
    expect(await lab.ping('vm1', address, { args: sized(1400, family) })).toBe(3);
  });

  it('lets TCP find its way to the smaller size, over IPv4 and IPv6', async () => {
    for (const address of ['10.2.0.12', 'fd02::12']) {
      const { sent, received } = await transfer(lab, 'vm1', 'vm2', address, 3_000_000);
      expect(received).toMatchObject({ bytes: 3_000_000, sha256: sent.sha256 });
    }
  });

  it('passes fragments, also those of packets that the router must cut further', async () => {
    for (const address of ['10.1.0.13', '10.2.0.12', 'fd01::13', 'fd02::12']) {
      // An IPv6 sender learns the smaller size from its first packet, which is lost.
      const received = await lab.ping('vm1', address, { count: 4, args: ['-M', 'dont', '-s', '4000'] });
      expect(received, address).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('an underlay of 1500 bytes under networks of 1450', () => {
  const lab = withLab(kTopology(1450, 1450, 1500));

  it('carries their largest packets, and nothing on the wire is larger than the underlay', async () => {
    const seen = await capture(lab, { wire }, async () => {
      expect(await lab.ping('vm1', '10.2.0.12', { args: sized(1450, 4) })).toBe(3);
      expect(await lab.ping('vm2', 'fd01::11', { args: sized(1450, 6) })).toBe(3);
      await transfer(lab, 'vm1', 'vm2', '10.2.0.12', 2_000_000);
      await transfer(lab, 'vm2', 'vm1', '10.1.0.11', 2_000_000);
    });
    expect(Math.max(...seen.wire.map(({ bytes }) => bytes))).toBe(1450 + kEthernetBytes + kOuterBytes);
    expect(seen.wire.filter(({ ip }) => ip?.isFragment)).toEqual([]);
  });

  it('gives VMs its size, so that a larger packet is refused before it is sent', async () => {
    const { code, stdout, stderr } = await lab.exec('vm1', ['ping', '-c', '1', '-W', '1', ...sized(1451, 4), '10.1.0.13']);
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining('mtu=1450')]);
  });

  it('passes fragments of packets that are larger than any network', async () => {
    expect(await lab.ping('vm1', '10.2.0.12', { args: ['-M', 'dont', '-s', '4000'] })).toBe(3);
  });
});
