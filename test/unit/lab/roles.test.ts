import { describe, expect, it } from 'vitest';
import { type LabPlan, planLab } from '../../../src/lab/plan.js';
import { requireControllers } from '../../../src/lab/controllers.js';
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

  it('are an etcd and as many controllers as are asked for, and agents that know them all', () => {
    const plan: LabPlan = { wire: 'segments', fabricMtuBytes: 1600, nodes: planLab({
      wire: 'segments',
      underlay: { cidr: '172.16.0.0/24', mtuBytes: 1600 },
      nodes: [{ name: 'cn1', vtepIp: '172.16.0.11', underlayMtuBytes: 1600 }],
      networks: [],
      ports: [],
    }).nodes, vms: [] };
    const roles = rolesOf(plan, '/t.yaml', 3);
    expect(roles.map(({ name }) => name)).toEqual(['etcd', 'controller', 'controller 2', 'controller 3', 'dataplane cn1', 'agent cn1']);
    const sockets = roles.filter(({ name }) => name.startsWith('controller')).map(({ socket }) => socket);
    expect(new Set(sockets).size).toBe(3);
    expect(roles.at(-1)?.args.filter((word) => word.startsWith('unix:'))).toEqual(sockets.map((socket) => `unix:${socket}`));
    const doors = roles.flatMap(({ args }) => (args.includes('--api') ? [args[args.indexOf('--api') + 1]] : []));
    expect(doors).toEqual(['127.0.0.1:9696', '127.0.0.1:9697', '127.0.0.1:9698']);
    expect(() => requireControllers(0)).toThrow('0 controllers');
    expect(() => requireControllers(8)).toThrow('8 controllers');
    expect(() => requireControllers(NaN)).toThrow('NaN controllers');
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
