import { beforeEach, describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import type { Cluster } from '../../../src/trace/cluster.js';
import { TraceLeases } from '../../../src/trace/trace-leases.js';

const marker = 'ab'.repeat(16);
let asked: string[];
let holders: Map<string, string>;
/** How often a busy node is still asked before its walk ends. */
let busyFor: number;

/** Nodes that trace for one marker at a time, as agents do. */
const cluster = {
  nodeCall: async (
    node: string, _method: string, params: { marker: string | null; release?: string },
  ) => {
    asked.push(`${node} ${params.marker === null ? 'off' : 'on'}`);
    if (node === 'silent') throw new DvrError('DVR_NODE_UNREACHABLE', 'no answer', '');
    if (params.marker === null) {
      if (holders.get(node) === params.release) holders.delete(node);
      return {};
    }
    if (holders.get(node) === 'another' && busyFor-- <= 0) holders.delete(node);
    if (holders.has(node)) throw new DvrError('DVR_CONFLICT', `node ${node}: another walk`, '');
    holders.set(node, params.marker);
    return {};
  },
} as unknown as Cluster;

beforeEach(() => { [asked, holders, busyFor] = [[], new Map(), 0]; });

describe('the traces of all nodes', () => {
  it('are taken in the order of names and given back', async () => {
    const leases = new TraceLeases(cluster, marker);
    expect(await leases.take(['nn1', 'cn2', 'cn1'])).toEqual([]);
    expect(asked).toEqual(['cn1 on', 'cn2 on', 'nn1 on']);
    await leases.release();
    expect(holders.size).toBe(0);
  });

  it('are waited for while another walk has one, with nothing kept meanwhile', async () => {
    holders.set('cn2', 'another');
    busyFor = 1;
    await new TraceLeases(cluster, marker).take(['cn1', 'cn2']);
    expect(asked).toEqual(['cn1 on', 'cn2 on', 'cn1 off', 'cn1 on', 'cn2 on']);
  });

  it('are given up when the other walk does not end', async () => {
    holders.set('cn2', 'another');
    busyFor = Infinity;
    await expect(new TraceLeases(cluster, marker, { patienceMs: 300 }).take(['cn1', 'cn2']))
      .rejects.toMatchObject({ code: 'DVR_CONFLICT', message: 'node cn2: another walk' });
    expect([...holders]).toEqual([['cn2', 'another']]);
  });

  it('are taken without a node that answers nothing, which is asked once', async () => {
    holders.set('zz', 'another');
    busyFor = 1;
    const leases = new TraceLeases(cluster, marker);
    expect(await leases.take(['zz', 'silent', 'cn1'])).toEqual(['silent']);
    await leases.release();
    expect(asked.filter((one) => one.startsWith('silent'))).toEqual(['silent on']);
    expect(holders.size).toBe(0);
  });
});
