/** Ports of networks with IPv6 subnets where hosts make their own addresses: the controller knows which. */
import { describe, expect, it } from 'vitest';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { viewsOf } from '../../../src/controller/views.js';
import type { IpAddress, MacAddress } from '../../../src/model/addresses.js';
import { restored } from './kept.js';
import { apply, attachCommand, refusal, run } from './support.js';

const text = (subnets: string): string => `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 } }
networks: { red: { subnets: ${subnets} } }
routers: { r1: { networks: [red] } }
ports:
  vm1: { network: red, ip: 10.1.0.11, mac: "fa:16:3e:aa:00:01" }
  vm2: { network: red, mac: "fa:16:3e:aa:00:02" }
`;
const both = '[10.1.0.0/24, { cidr: "fd00::/64", ipv6: slaac }, { cidr: "fd01::/64", ipv6: stateful }]';
const dual = '[10.1.0.0/24, { cidr: "fd00::/64", ipv6: slaac }]';
const state = (subnets = both): ControllerState => run(emptyState, apply(text(subnets)));
const ipsOf = ({ intent }: ControllerState, port: string): readonly string[] => intent.ports.get(port)?.ips ?? [];

describe('a port of a network with a slaac subnet', () => {
  it('has the address of its MAC there whatever was declared, and allocated ones elsewhere', () => {
    expect(ipsOf(state(), 'vm1')).toEqual(['10.1.0.11', 'fd00::f816:3eff:feaa:1']);
    expect(ipsOf(state(), 'vm2')).toEqual(['10.1.0.2', 'fd01::2', 'fd00::f816:3eff:feaa:2']);
  });

  it('has it as well when attach makes the port, and follows a new MAC', () => {
    const attached = run(state(dual), attachCommand('web', { network: 'red', node: 'cn1' }));
    const { mac = '' } = attached.intent.ports.get('web') ?? {};
    expect(mac).toMatch(/^fa:16:3e:00:00:/);
    expect(ipsOf(attached, 'web')).toEqual(['10.1.0.3', `fd00::f816:3eff:fe00:${Number.parseInt(mac.slice(-2), 16)}`]);
    const changed = run(state(), {
      command: 'updatePort', name: 'vm2', changes: { mac: 'fa:16:3e:bb:00:07' as MacAddress },
    });
    expect(ipsOf(changed, 'vm2')).toEqual(['10.1.0.2', 'fd01::2', 'fd00::f816:3eff:febb:7']);
  });

  it('keeps it when others are given, and cannot be given another there', () => {
    const update = (ip: string) => ({
      command: 'updatePort', name: 'vm1', changes: { ips: [ip as IpAddress] },
    }) as const;
    expect(ipsOf(run(state(), update('10.1.0.99')), 'vm1')).toEqual(['10.1.0.99', 'fd00::f816:3eff:feaa:1']);
    expect(refusal(state(), update('fd00::99')).message).toBe(
      'port vm1: fd00::99 is in fd00::/64, where hosts make their address of their MAC (slaac); leave it out');
  });

  it('gets and loses it with the mode of the subnet, and keeps what it was allocated', () => {
    const before = state('[10.1.0.0/24, "fd01::/64"]');
    expect(ipsOf(before, 'vm2')).toEqual(['10.1.0.2', 'fd01::2']);
    const after = run(before, apply(text(both)));
    expect(ipsOf(after, 'vm2')).toEqual(['10.1.0.2', 'fd01::2', 'fd00::f816:3eff:feaa:2']);
    expect(ipsOf(run(after, apply(text('[10.1.0.0/24, "fd01::/64"]'))), 'vm2')).toHaveLength(2);
  });

  it('that attach made gets it too when the subnet comes', () => {
    const before = run(state('[10.1.0.0/24]'), attachCommand('web', { network: 'red', node: 'cn1' }));
    const after = run(before, apply(text(dual)));
    expect(ipsOf(after, 'web')).toHaveLength(2);
    expect(ipsOf(after, 'web')[1]).toMatch(/^fd00::f816:3eff:fe00:/);
  });
});

describe('the mode of a subnet', () => {
  it('is told to the nodes', () => {
    const { intent } = run(state(), attachCommand('vm1', { node: 'cn1' }));
    const [red] = viewsOf(intent).content.get('cn1')?.networks ?? [];
    expect(red?.subnets.map(({ ipv6 }) => ipv6)).toEqual([undefined, 'slaac', 'stateful']);
  });

  it('survives a restart', () => {
    const { intent } = state();
    expect(restored(intent)).toEqual(intent);
  });
});
