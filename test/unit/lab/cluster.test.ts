import { describe, expect, it } from 'vitest';
import { type ClusterHealth, foreignPorts, missingOf } from '../../../src/lab/cluster.js';
import { planLab } from '../../../src/lab/plan.js';

const plan = planLab({
  wire: 'segments',
  underlay: { cidr: '172.16.0.0/24', mtuBytes: 1600 },
  nodes: [{ name: 'cn1', vtepIp: '172.16.0.11', underlayMtuBytes: 1600 }],
  networks: [{ name: 'red', subnets: [{ cidr: '10.1.0.0/24' }] }],
  ports: [{ name: 'vm1', network: 'red', node: 'cn1' }],
});
const whole: ClusterHealth = {
  nodes: [{ name: 'cn1', connected: true, generation: 7, viewGeneration: 7, errors: [] }],
  routers: [{ id: 'r1', gateway: { node: 'nn1', standby: ['nn2'] } }, { id: 'r2', gateway: { standby: [] } }, { id: 'r3' }],
  ports: [{ name: 'vm1', state: 'up', attachment: { netns: '/run/netns/dvr-vm1' } }],
};

describe('what is missing of a lab', () => {
  it('is nothing once every node is current and every VM plugged in', () => {
    expect(missingOf(plan, whole)).toEqual([]);
  });

  it('is named: a silent agent, a node at work, an error with its words, a port that is not up', () => {
    expect(missingOf(plan, { ...whole, nodes: [] })).toEqual(['the agent of cn1 is not connected']);
    const node = { name: 'cn1', connected: true, generation: 6, viewGeneration: 7, errors: [] };
    expect(missingOf(plan, { ...whole, nodes: [node] })).toEqual(['cn1 is still at work']);
    expect(missingOf(plan, { ...whole, nodes: [{ ...node, errors: [{ code: 'DVR_ATTACH_FAILED', message: 'no TAP' }] }] })).toEqual(['cn1: no TAP']);
    expect(missingOf(plan, { ...whole, ports: [] })).toEqual(['port vm1 is unknown']);
    expect(missingOf(plan, { ...whole, routers: [{ id: 'r1', gateway: { standby: ['nn1', 'nn2'] } }] }))
      .toEqual(['nobody is elected for the gateway of r1']);
  });
});

describe('ports that must be unplugged before the lab goes', () => {
  it('are those in namespaces the lab did not make', () => {
    const ports = [...whole.ports, { name: 'box', state: 'up', attachment: { pid: 77 } }, { name: 'vip', state: 'down' }];
    expect(foreignPorts(plan, { ...whole, ports })).toEqual(['box']);
  });
});
