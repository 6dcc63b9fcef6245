import { describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import type { NodeCallMethod } from '../../../src/model/node-call.js';
import type { Cluster, NodeCallResults } from '../../../src/trace/cluster.js';
import { endsOf, nextHopMac } from '../../../src/trace/ends.js';
import { decodeFrame } from '../../../src/trace/frame.js';
import { walk } from '../../../src/trace/walker.js';
import {
  idsOf, macs, routedFromTunnel, routedToTunnel, toRouter, viewOf, vms, type NodeName,
} from './crafted.js';

const ports = Object.values(
  vms,
).map(({
  name, ip, network, node,
}) => ({
  name, network, node, mac: macs[name], ips: [ip, ip.replace(/^10\.(\d)\.0\.(\d+)$/, 'fd0$1::$2')],
}));
const ends = { from: vms.vm1, to: vms.vm2 };
const records = {
  cn1: [...toRouter(ends).records, ...routedToTunnel(ends).records],
  cn2: routedFromTunnel(ends).records,
  nn1: [],
};

interface Asked {
  readonly node: string;
  readonly method: NodeCallMethod;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Three nodes that have seen the packet once it is put in; those in `silent` answer nothing. */
function cluster(
  silent: readonly string[] = [], seen: Readonly<Record<string, unknown>> = records,
): Cluster & { readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const answers = (node: NodeName): Partial<Record<NodeCallMethod, unknown>> => ({
    ids: idsOf(node), takeTrace: { records: seen[node] ?? [], lost: 0 },
  });
  const taken = new Set<string>();
  return {
    asked,
    nodes: () => Promise.resolve(['cn1', 'cn2', 'nn1'].map((name) => ({ name }))),
    ports: () => Promise.resolve(ports),
    view: (node) => Promise.resolve(viewOf(node as NodeName)),
    nodeCall: <M extends NodeCallMethod>(node: string, method: M, params = {}) => {
      asked.push({ node, method, params });
      if (silent.includes(node)) {
        return Promise.reject(new DvrError('DVR_NODE_UNREACHABLE', `${node} did not answer`, ''));
      }
      const again = method === 'takeTrace' && taken.has(node);
      if (method === 'takeTrace') taken.add(node);
      return Promise.resolve(
        (again
          ? { records: [], lost: 0 }
          : answers(node as NodeName)[method] ?? {}) as NodeCallResults[M],
      );
    },
  };
}

const marks = (asked: readonly Asked[]): string[] =>
  asked.filter(({ method }) => method === 'setTrace').map(({ node, params }) =>
    `${node} ${params['marker'] === null ? 'off' : 'on'}`).sort();

describe('a walk', () => {
  it("puts one marked echo in at the source's port, to the gateway's MAC, with TTL 64", async () => {
    const asking = cluster();
    expect((await walk(asking, 'vm1', 'vm2')).outcome).toMatchObject({
      kind: 'delivered', to: 'vm2',
    });
    const injected = asking.asked.filter(({ method }) => method === 'inject');
    expect(injected).toMatchObject([{ node: 'cn1', params: { portId: 16 } }]);
    const frame = Buffer.from(String(injected[0]?.params['frame']), 'base64');
    expect(decodeFrame(frame)).toMatchObject({
      srcMac: macs.vm1, dstMac: macs.r1Red, ip: { src: '10.1.0.11', dst: '10.2.0.12', ttl: 64 },
    });
    const marker = asking.asked.find(({ method }) => method === 'setTrace')?.params['marker'];
    expect(frame.subarray(42, 58).toString('hex')).toBe(marker);
  });

  it('tells every node to look before the packet goes, and to stop after', async () => {
    const asking = cluster();
    await walk(asking, 'vm1', 'vm2');
    expect(marks(asking.asked)).toEqual([
      'cn1 off', 'cn1 on', 'cn2 off', 'cn2 on', 'nn1 off', 'nn1 on',
    ]);
    const order = asking.asked.map(({
      method, params,
    }) => (method === 'setTrace'
      ? `setTrace ${params['marker'] === null ? 'off' : 'on'}`
      : method));
    expect(order.lastIndexOf('setTrace on')).toBeLessThan(order.indexOf('inject'));
    expect(order.indexOf('setTrace off')).toBeGreaterThan(order.lastIndexOf('takeTrace'));
  });

  it('from a node that does not answer names it, and puts nothing in', async () => {
    const asking = cluster(['cn1']);
    expect((await walk(asking, 'vm1', 'vm2')).outcome).toEqual({ kind: 'unanswered', node: 'cn1' });
    expect(asking.asked.some(({ method }) => method === 'inject')).toBe(false);
    expect(marks(asking.asked)).toEqual([]);
  });

  it("to a node that does not answer names it, and shows the source's steps", async () => {
    const asking = cluster(['cn2']);
    const { outcome, steps } = await walk(asking, 'vm1', 'vm2');
    expect(outcome).toEqual({ kind: 'unanswered', node: 'cn2' });
    expect(steps.map(({ step }) => step)).toEqual(['EW1', 'EW2', 'EW3', 'EW4', 'EW5']);
    expect(asking.asked.filter(({ node }) => node === 'cn2').map(({ method }) => method)).toEqual(['ids']);
    expect(marks(asking.asked)).toEqual(['cn1 off', 'cn1 on', 'nn1 off', 'nn1 on']);
  });

  it("to a node that does not answer waits for the source's records", async () => {
    const asking = cluster(['cn2']);
    let polls = 0;
    const slow: Cluster = {
      ...asking,
      nodeCall: async <M extends NodeCallMethod>(
        node: string, method: M, params?: Readonly<Record<string, unknown>>,
      ) => method === 'takeTrace' && polls++ < 2
        ? { records: [], lost: 0 } as unknown as NodeCallResults[M]
        : asking.nodeCall(node, method, params),
    };
    expect((await walk(slow, 'vm1', 'vm2')).steps).toHaveLength(5);
  });

  it('past a node that does not answer goes on without it, and says so', async () => {
    const asking = cluster(['nn1']);
    const result = await walk(asking, 'vm1', 'vm2');
    expect(result.outcome.kind).toBe('delivered');
    expect(marks(asking.asked)).toEqual(['cn1 off', 'cn1 on', 'cn2 off', 'cn2 on']);
    expect(result.notes).toEqual(['nn1 did not answer; what it saw is not shown']);
  });

  it('that nobody sees the end of is lost at its deadline', async () => {
    const result = await walk(
      cluster([], { ...records, cn2: [] }), 'vm1', 'vm2', { deadlineMs: 60 },
    );
    expect(result.outcome).toMatchObject({ kind: 'lost', step: 'EW5', missing: 'EW6' });
  });

  it('to an address that nobody has waits for the router to prove it, and no longer', async () => {
    const nobody = { ip: '10.2.0.99' };
    const seen = { cn1: toRouter({ from: vms.vm1, to: nobody }).records };
    const startedMs = performance.now();
    const result = await walk(cluster([], seen), 'vm1', nobody.ip, { deadlineMs: 60 });
    expect(result.outcome).toMatchObject({ kind: 'dropped', reason: 'unknown_address' });
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(60);
  });

  it('stops the looking even when the packet cannot be put in', async () => {
    const asking = cluster();
    const refusing: Cluster = {
      ...asking,
      nodeCall: (node, method, params) => (method === 'inject'
        ? Promise.reject(new DvrError('DVR_DATAPLANE_REFUSED', 'no', ''))
        : asking.nodeCall(node, method, params)),
    };
    await expect(walk(refusing, 'vm1', 'vm2')).rejects.toMatchObject({
      code: 'DVR_DATAPLANE_REFUSED',
    });
    expect(marks(asking.asked)).toEqual([
      'cn1 off', 'cn1 on', 'cn2 off', 'cn2 on', 'nn1 off', 'nn1 on',
    ]);
  });
});

describe('a walk that is interrupted', () => {
  it('gives back what it took, and puts nothing in any more', async () => {
    const asking = cluster();
    const stop = new AbortController();
    const interrupted: Cluster = {
      ...asking,
      nodeCall: async (node, method, params) => {
        const answer = await asking.nodeCall(node, method, params);
        if (method === 'setTrace' && node === 'cn2') stop.abort('SIGINT');
        return answer;
      },
    };
    await expect(walk(interrupted, 'vm1', 'vm2', { signal: stop.signal })).rejects.toBe('SIGINT');
    expect(marks(asking.asked)).toEqual(['cn1 off', 'cn1 on', 'cn2 off', 'cn2 on']);
    expect(asking.asked.some(({ method }) => method === 'inject')).toBe(false);
  });

  it('does not wait for the node that keeps it waiting', async () => {
    const asking = cluster();
    const stop = new AbortController();
    const hanging: Cluster = {
      ...asking,
      nodeCall: (node, method, params) => {
        if (method === 'inject') queueMicrotask(() => stop.abort('SIGTERM'));
        return method === 'takeTrace'
          ? new Promise(() => {})
          : asking.nodeCall(node, method, params);
      },
    };
    await expect(walk(hanging, 'vm1', 'vm2', { signal: stop.signal })).rejects.toBe('SIGTERM');
    expect(marks(asking.asked)).toContain('cn1 off');
  });
});

describe('the ends of a walk', () => {
  it.each([
    ['vm1', 'vm2'], ['10.1.0.11', '10.2.0.12'], [macs.vm1.toUpperCase(), macs.vm2],
  ])('may be named %s and %s', (
    from, to,
  ) => {
    expect(endsOf(from, to, ports)).toEqual({
      source: { name: 'vm1', ip: '10.1.0.11', network: 'red', node: 'cn1' }, sourceMac: macs.vm1,
      destination: { name: 'vm2', ip: '10.2.0.12', network: 'green', node: 'cn2' },
    });
  });

  it('take the IPv6 addresses when asked, or when the destination is one', () => {
    expect(endsOf('vm1', 'vm2', ports, { ipv6: true })).toMatchObject({
      source: { ip: 'fd01::11' }, destination: { ip: 'fd02::12' },
    });
    expect(endsOf('vm1', '2001:DB8::0:1', ports)).toMatchObject({
      source: { ip: 'fd01::11' }, destination: { ip: '2001:db8::1' },
    });
  });

  it('that do not exist, are ambiguous or bound nowhere are refused', () => {
    expect(() => endsOf('vm9', 'vm2', ports)).toThrow('no port is "vm9"');
    expect(() => endsOf('vm1', 'nobody', ports)).toThrow('no port is "nobody"');
    const twin = { ...ports[0], name: 'twin', network: 'blue' } as (typeof ports)[number];
    expect(() => endsOf('10.1.0.11', 'vm2', [...ports, twin])).toThrow(
      '10.1.0.11 is on several ports: vm1 (red), twin (blue)',
    );
    expect(() => endsOf('loose', 'vm2', [
      { name: 'loose', network: 'red', mac: macs.vm3, ips: ['10.1.0.50'] }, ...ports,
    ])).toThrow(
      'bound to no node',
    );
  });

  it("in another tenant's network with the same addresses are not mixed up", () => {
    const twin = { ...ports[2], name: 'twin', network: 'blue' } as (typeof ports)[number];
    expect(endsOf('vm1', '10.1.0.13', [twin, ...ports]).destination).toMatchObject(
      { name: 'vm3', network: 'red' },
    );
  });

  it('give the MAC a VM itself would send to', () => {
    const mac = (to: string): string => nextHopMac(endsOf('vm1', to, ports), viewOf('cn1'));
    expect(mac('vm3')).toBe(macs.vm3);
    expect(mac('vm2')).toBe(macs.r1Red);
    expect(mac('10.1.0.1')).toBe(macs.r1Red);
    expect(mac('192.0.2.1')).toBe(macs.r1Red);
    expect(() => mac('10.1.0.99')).toThrow('nobody on red has 10.1.0.99');
  });
});
