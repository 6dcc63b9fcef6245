/** The peers as commands: what they are built of is data, and can be read without root. */
import { describe, expect, it } from 'vitest';
import { defaultTopologyFile } from '../../../src/lab/scripts.js';
import { readTopologyFile } from '../../../src/model/topology.js';
import { kernelCommands } from '../../bench/peers/kernel.js';
import { flowsOf } from '../../bench/peers/ovs-flows.js';
import { named, pictureOf, targetOf } from '../../bench/picture.js';

const picture = pictureOf(readTopologyFile(defaultTopologyFile));

describe('the picture', () => {
  it('is that of the lab: nodes, networks with their gateways, VMs', () => {
    expect(named(picture.nodes, 'cn1')).toMatchObject({ vtep: '172.16.0.11', prefixBits: 24 });
    expect(named(picture.networks, 'green')).toMatchObject({ vni: 102, gateway: '10.2.0.1', mtuBytes: 1500 });
    expect(named(picture.vms, 'vm2')).toMatchObject({ network: 'green', node: 'cn2', ip: '10.2.0.12' });
  });

  it('has the floating IPs and the source NAT of the lab, and gives traffic the address that it needs', () => {
    expect(picture.outside).toMatchObject({ snatNode: 'nn1', host: '203.0.113.10', prefixBits: 24 });
    expect(picture.outside.floatingIps).toContainEqual({ ip: '203.0.113.101', vm: 'vm1', fixedIp: '10.1.0.11', node: 'cn1' });
    expect(targetOf(picture, { from: 'vm3', to: 'vm1' })).toBe('10.1.0.11');
    expect(targetOf(picture, { from: 'ext', to: 'vm1' })).toBe('203.0.113.101');
    expect(targetOf(picture, { from: 'vm3', to: 'ext' })).toBe('203.0.113.10');
    expect(() => targetOf(picture, { from: 'ext', to: 'vm3' })).toThrow('vm3 has no floating IP');
  });

  it('needs an external network and a network node', () => {
    const topology = readTopologyFile(defaultTopologyFile);
    expect(() => pictureOf({ ...topology, externalNetworks: [] })).toThrow(/external network/);
    expect(() => pictureOf({ ...topology, nodes: topology.nodes.filter(({ networkNode }) => !networkNode) })).toThrow(/network node/);
  });

  it('gives every device a MAC of its own', () => {
    const macs = [...picture.nodes.map(({ mac }) => mac), ...picture.vms.map(({ mac }) => mac), ...picture.networks.flatMap(({ gatewayMac, sg }) => [gatewayMac, sg.mac])];
    expect(new Set(macs).size).toBe(macs.length);
  });
});

describe('the kernel peer', () => {
  const lines = kernelCommands(picture).map((words) => words.join(' '));

  it('has every router copy answer to the same gateway MAC', () => {
    const { gatewayMac } = named(picture.networks, 'red');
    expect(lines.filter((line) => line.includes('name qr-red') && line.includes(gatewayMac))).toHaveLength(picture.nodes.length);
  });

  it('knows each VM on every other node by a static row, and learns nothing', () => {
    const { mac } = named(picture.vms, 'vm1');
    expect(lines.filter((line) => line.includes(`fdb replace ${mac} dev vx-red dst 172.16.0.11`))).toHaveLength(picture.nodes.length - 1);
    expect(lines.filter((line) => line.includes('type vxlan')).every((line) => line.includes('nolearning'))).toBe(true);
  });

  it('sends all but VMs with a floating IP by every copy of the router to the source NAT of one node', () => {
    const { sg } = named(picture.networks, 'red');
    expect(lines.filter((line) => line.includes(`default via ${sg.ip}`))).toHaveLength(picture.nodes.length);
    expect(lines.filter((line) => line.includes(`fdb replace ${sg.mac} dev vx-red dst 172.16.0.21`))).toHaveLength(picture.nodes.length - 1);
    expect(lines.filter((line) => line.includes('rule add priority 40000'))).toEqual([
      'ip -n kernel-cn1-router rule add priority 40000 from 10.1.0.11 lookup 16',
      'ip -n kernel-cn2-router rule add priority 40000 from 10.2.0.12 lookup 16',
    ]);
  });

  it('has no NAT where east-west passes', () => {
    const withNat = lines.filter((line) => line.includes('nft')).map((line) => /netns\/(\S+)/.exec(line)?.[1]);
    expect(withNat).toEqual(['kernel-snat', 'kernel-cn1-fip', 'kernel-cn2-fip']);
  });

  it('is not slowed by iptables hooks under its bridges', () => {
    const namespaces = lines.filter((line) => line.startsWith('ip netns add')).length;
    expect(lines.filter((line) => line.includes('bridge-nf-call-iptables=0'))).toHaveLength(namespaces);
  });
});

describe('the flows of Open vSwitch', () => {
  const flows = flowsOf(picture, named(picture.nodes, 'cn1'));

  it('route with a TTL less and the MACs of the other network', () => {
    const { gatewayMac } = named(picture.networks, 'green');
    const { mac } = named(picture.vms, 'vm2');
    expect(flows.find((flow) => flow.startsWith('table=2') && flow.includes('nw_dst=10.2.0.12')))
      .toContain(`dec_ttl,set_field:${gatewayMac}->eth_src,set_field:${mac}->eth_dst,set_field:102->reg0`);
  });

  it('deliver at home by port and elsewhere by tunnel', () => {
    const deliver = (vm: string): string | undefined => flows.find((flow) => flow.startsWith('table=3') && flow.includes(`dl_dst=${named(picture.vms, vm).mac}`));
    expect(deliver('vm1')).toContain('actions=output:');
    expect(deliver('vm2')).toContain('set_field:172.16.0.12->tun_dst,output:100');
  });
});
