import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fabricNamespace, type LabTopology, namespacesOf, planLab } from '../../../src/lab/plan.js';
import { defaultTopologyFile } from '../../../src/lab/scripts.js';
import { parseTopology } from '../../../src/model/topology.js';

const topology: LabTopology = {
  wire: 'segments',
  underlay: { cidr: '172.16.0.0/24', mtuBytes: 1600 },
  nodes: [{ name: 'cn1', vtepIp: '172.16.0.11', underlayMtuBytes: 1600 }],
  networks: [{ name: 'red', subnets: [{ cidr: '10.1.0.0/24' }] }, { name: 'six', subnets: [{ cidr: 'fd00::/64' }] }],
  ports: [{ name: 'vm1', network: 'red', node: 'cn1' }, { name: 'vm6', network: 'six', node: 'cn1' }, { name: 'vip', network: 'red' }],
};

describe('the plan of a lab', () => {
  it('makes a VM of each port that has a node, and of no other', () => {
    expect(planLab(topology).vms.map((vm) => vm.name)).toEqual(['vm1', 'vm6']);
  });

  it('lets a VM have IPv6 only where its network has an IPv6 subnet', () => {
    expect(planLab(topology).vms.map((vm) => vm.ipv6)).toEqual([false, true]);
  });

  it('gives the VTEP the length of the underlay prefix', () => {
    expect(planLab(topology).nodes[0]).toMatchObject({ vtepAddress: '172.16.0.11/24', namespace: 'dvr-cn1' });
  });

  it('makes the fabric as wide as its widest node, and no node wider than it says', () => {
    const wide = { name: 'cn2', vtepIp: '172.16.0.12', underlayMtuBytes: 9000 };
    const plan = planLab({ ...topology, nodes: [...topology.nodes, wide] });
    expect(plan.fabricMtuBytes).toBe(9000);
    expect(plan.nodes.map((node) => node.mtuBytes)).toEqual([1600, 9000]);
  });

  it('names a fabric port within the length of a device name, however long the node name is', () => {
    const long = { name: 'a-node-with-a-rather-long-name', vtepIp: '172.16.0.12', underlayMtuBytes: 1600 };
    const [port] = planLab({ ...topology, nodes: [long], ports: [] }).nodes.map((node) => node.fabricPort);
    expect(port).toMatch(/^node-[0-9a-f]{10}$/);
  });

  it.each([
    ['a port that has the name of a node', 'cn1'],
    ['a port called fabric', 'fabric'],
    ['a port that has the name of a router inside a node', 'cn1-qrouter-r1'],
    ['a port that has the name of a SNAT namespace inside a node', 'cn1-snat-r1'],
    ['a port that has the name of a FIP namespace inside a node', 'cn1-fip-ext'],
  ])('refuses %s, since both would be one namespace', (_, name) => {
    expect(() => planLab({ ...topology, ports: [{ name, network: 'red', node: 'cn1' }] }))
      .toThrow(expect.objectContaining({ code: 'DVR_TOPOLOGY_INVALID' }));
  });

  it('reads the default topology: the picture of the seed, two network nodes, and an outside', () => {
    const plan = planLab(parseTopology(readFileSync(defaultTopologyFile, 'utf8'), defaultTopologyFile));
    expect(namespacesOf(plan)).toEqual([
      fabricNamespace, 'dvr-ext', 'dvr-upstream', 'dvr-cn1', 'dvr-cn2', 'dvr-nn1', 'dvr-nn2', 'dvr-vm1', 'dvr-vm2', 'dvr-vm3', 'dvr-vm4',
    ]);
  });
});
