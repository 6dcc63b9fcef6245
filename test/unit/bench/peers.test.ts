/** The peers as commands: what they are built of is data, and can be read without root. */
import { describe, expect, it } from 'vitest';
import { defaultTopologyFile } from '../../../src/lab/scripts.js';
import { readTopologyFile } from '../../../src/model/topology.js';
import { kernelCommands } from '../../bench/peers/kernel.js';
import { flowsOf } from '../../bench/peers/ovs-flows.js';
import { named, pictureOf } from '../../bench/picture.js';

const picture = pictureOf(readTopologyFile(defaultTopologyFile));

describe('the picture', () => {
  it('is that of the lab: nodes, networks with their gateways, VMs', () => {
    expect(named(picture.nodes, 'cn1')).toMatchObject({ vtep: '172.16.0.11', prefixBits: 24 });
    expect(named(picture.networks, 'green')).toMatchObject({ vni: 102, gateway: '10.2.0.1', mtuBytes: 1500 });
    expect(named(picture.vms, 'vm2')).toMatchObject({ network: 'green', node: 'cn2', ip: '10.2.0.12' });
  });

  it('gives every device a MAC of its own', () => {
    const macs = [...picture.nodes.map(({ mac }) => mac), ...picture.vms.map(({ mac }) => mac), ...picture.networks.map(({ gatewayMac }) => gatewayMac)];
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
