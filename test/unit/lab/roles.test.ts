import { describe, expect, it } from 'vitest';
import { type LabPlan, planLab } from '../../../src/lab/plan.js';
import { nextPauseMs, rolesOf } from '../../../src/lab/roles.js';

describe('the processes of a lab', () => {
  it('are one controller, and for each node a dataplane and an agent', () => {
    const plan = planLab({
      wire: 'segments',
      underlay: { cidr: '172.16.0.0/24', mtuBytes: 1600 },
      nodes: [{ name: 'cn1', vtepIp: '172.16.0.11', underlayMtuBytes: 1600 }],
      networks: [],
      ports: [],
    });
    expect(rolesOf(plan, '/t.yaml').map((role) => role.name)).toEqual(['controller', 'dataplane cn1', 'agent cn1']);
  });

  it('have a server outside beside them where there is an outside', () => {
    const outside = { ports: [], subnets: [], ipv6: false };
    const plan: LabPlan = { wire: 'segments', fabricMtuBytes: 1600, nodes: [], vms: [], outside };
    expect(rolesOf(plan, '/t.yaml')).toContainEqual({ name: 'outside', namespace: 'dvr-ext', args: ['lab', 'serve'] });
  });

  it('are started again after a pause that doubles up to a second', () => {
    const pauses = [50];
    for (let at = 0; at < 6; at++) pauses.push(nextPauseMs(pauses.at(-1), 10));
    expect(pauses).toEqual([50, 100, 200, 400, 800, 1000, 1000]);
  });

  it('are started again at once when they had run well', () => {
    expect(nextPauseMs(1000, 60_000)).toBe(50);
  });
});
