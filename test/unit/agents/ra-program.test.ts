/** What a node's routers advertise: rows, and the frames that make them speak unasked. */
import { describe, expect, it } from 'vitest';
import { desiredOf } from '../../../src/agents/desired.js';
import { raProgram, raTicks } from '../../../src/agents/l3/ra-program.js';
import type { NodeView, SubnetView } from '../../../src/model/node-view.js';
import { decodeFrame } from '../../../src/trace/frame.js';
import { internetChecksum } from '../../../src/model/wire-bytes.js';
import { cn1, ids, mac, red, withNetwork } from './picture.js';

const slaac: SubnetView = { cidr: 'fd01::/64', gatewayIp: 'fd01::1', ipv6: 'slaac' };
const stateful: SubnetView = { cidr: 'fd02::/80', gatewayIp: 'fd02::1', ipv6: 'stateful' };
const v4: SubnetView = { cidr: '10.1.0.0/24', gatewayIp: '10.1.0.1' };
const kStranger = 'fa:16:3e:00:00:99';

/** The picture with these subnets in red, and r1 with the gateway address of each. */
function withSubnets(...subnets: SubnetView[]): NodeView {
  const addresses = subnets.flatMap(({ cidr, gatewayIp }) => (gatewayIp === undefined ? [] : [`${gatewayIp}/${cidr.split('/')[1] ?? ''}`]));
  return withNetwork(cn1, { ...red, subnets, routerInterfaces: [{ routerId: 'r1', mac: mac.redGateway, addresses }] });
}
const rowsOf = (view: NodeView): unknown[] => raProgram(view, ids).map(({ key, value }) => ({ ...key, ...value }));

describe('advertisements', () => {
  it('have a row a prefix, numbered from 0, all with the MAC of the default router', () => {
    expect(rowsOf(withSubnets(v4, slaac, stateful))).toEqual([
      { local_vlan: 1, index: 0, gateway_mac: mac.redGateway, prefix: 'fd01::', prefix_bits: 64, autonomous: true, managed: false },
      { local_vlan: 1, index: 1, gateway_mac: mac.redGateway, prefix: 'fd02::', prefix_bits: 80, autonomous: false, managed: true },
    ]);
  });

  it('are not made of subnets that say nothing of it', () => {
    expect(rowsOf(withSubnets(v4, { cidr: 'fd03::/64', gatewayIp: 'fd03::1' }))).toEqual([]);
    expect(raTicks(withSubnets(v4), ids)).toEqual([]);
  });

  it('need a gateway: the first advertised subnet\'s that has one', () => {
    const { gatewayIp, ...noGateway } = slaac;
    expect(rowsOf(withSubnets(noGateway))).toEqual([]);
    expect(rowsOf(withSubnets(noGateway, stateful))).toHaveLength(2);
    expect(gatewayIp).toBe('fd01::1');
  });

  it('come from no router that has no copy here', () => {
    const view = withSubnets(slaac);
    expect(rowsOf({ ...view, routers: [] })).toEqual([]);
    expect(raTicks({ ...view, routers: [] }, ids)).toEqual([]);
  });

  it('come from one router where there are two: the gateway of the first advertised subnet', () => {
    const second = { routerId: 'r2', mac: kStranger, addresses: ['fd02::1/80'] };
    const view = withSubnets(slaac);
    const both = withNetwork(view, {
      ...red, subnets: [slaac, stateful],
      routerInterfaces: [second, { routerId: 'r1', mac: mac.redGateway, addresses: ['fd01::1/64'] }],
    });
    const r2 = { id: 'r2', interfaces: [{ network: 'red', mac: kStranger, addresses: ['fd02::1/80'] }], routes: [], routing: 'auto' } as const;
    const macs = raProgram({ ...both, routers: [...both.routers, r2] }, ids).map(({ value }) => (value as { gateway_mac: string }).gateway_mac);
    expect(macs).toEqual([mac.redGateway, mac.redGateway]);
  });
});

describe('the tick of unsolicited advertisements', () => {
  it('is a router solicitation by the router itself, at its port: RFC 4861 section 4.1', () => {
    const [tick, ...others] = raTicks(withSubnets(slaac), ids);
    expect(others).toEqual([]);
    expect(tick).toMatchObject({ device: 'qr/r1/red', portId: 18 });
    const frame = tick?.frame ?? Buffer.alloc(0);
    expect(decodeFrame(frame)).toMatchObject({
      srcMac: mac.redGateway, dstMac: '33:33:00:00:00:02',
      ip: { src: 'fe80::f816:3eff:fe00:1', dst: 'ff02::2', ttl: 255, icmp: { type: 133, code: 0 } },
    });
    const summed = Buffer.concat([frame.subarray(22, 54), Buffer.from([0, 0, 0, 8, 0, 0, 0, 58]), frame.subarray(54)]);
    expect(internetChecksum(summed)).toBe(0);
  });
});

describe('a guest where routers advertise', () => {
  const wishOf = (view: NodeView): unknown => desiredOf(view, ids, new Map()).plugs[0]?.wish;
  const vm1 = (ips: readonly string[], ...subnets: SubnetView[]): NodeView => {
    const view = withSubnets(...subnets);
    return withNetwork(view, {
      ...red, subnets, ports: [{ name: 'vm1', mac: mac.vm1, ips, node: 'cn1', allowedAddressPairs: [] }],
    });
  };

  it('is left its IPv6 default route, and the address that it makes itself, but given all else', () => {
    const ips = ['10.1.0.11', 'fd02::11', 'fd01::f816:3eff:fe00:101'];
    expect(wishOf(vm1(ips, v4, slaac, stateful))).toMatchObject({
      addresses: ['10.1.0.11/24', 'fd02::11/80'], gateways: ['10.1.0.1'], acceptRa: true,
    });
  });

  it('is given everything where they do not', () => {
    const wish = wishOf(vm1(['10.1.0.11', 'fd03::11'], v4, { cidr: 'fd03::/64', gatewayIp: 'fd03::1' }));
    expect(wish).toMatchObject({ addresses: ['10.1.0.11/24', 'fd03::11/64'], gateways: ['10.1.0.1', 'fd03::1'] });
    expect(wish).not.toHaveProperty('acceptRa');
  });
});
