import { describe, expect, it } from 'vitest';
import { statusText } from '../../../src/cli/status.js';
import type { NodeStatus, Status } from '../../../src/controller/status.js';

const node = (name: string, routers: NodeStatus['routers']): NodeStatus => ({
  name, vtepIp: '172.16.0.11', dvrMac: 'fa:16:3f:00:00:01', connected: true, generation: 7, viewGeneration: 7,
  ports: [], errors: [], routers,
});
const status = (...nodes: NodeStatus[]): Status => ({
  generation: 7, converged: true, nodes, networks: [], ports: [],
  routers: [{ id: 'r1', nodes: nodes.map(({ name }) => name), routing: 'auto', interfaces: [], routes: [] }],
});

describe('the text of a status', () => {
  it('says which way each copy of a router goes, and why', () => {
    const text = statusText(status(
      node('cn1', [{ id: 'r1', way: 'fast', why: 'routing is auto and nobody looks or rules inside' }]),
      node('cn2', [{ id: 'r1', way: 'namespace', why: 'tcpdump (pid 4711) captures on qr-red' }]),
    ));
    expect(text).toContain([
      'router  node  way of its traffic',
      'r1      cn1   fast: routing is auto and nobody looks or rules inside',
      'r1      cn2   namespace: tcpdump (pid 4711) captures on qr-red',
    ].join('\n'));
  });

  it('says nothing of ways that no node has told', () => {
    expect(statusText(status(node('cn1', [])))).not.toContain('way of its traffic');
  });
});
