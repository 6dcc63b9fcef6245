/** What is sent instead of a whole view must make the whole view, and be small. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { viewsOf } from '../../../src/controller/views.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { applyDelta, diffView, type ViewDelta } from '../../../src/model/view-delta.js';
import { apply, bind, run, seedState, seedText } from './support.js';
import { histories, play } from './view-changes.js';

const overTheWire = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

const viewOf = ({ intent }: ControllerState, node: string): NodeView => {
  const content = viewsOf(intent).content.get(node);
  if (content === undefined) throw new Error(`no view of ${node}`);
  return { generation: intent.generation, ...content };
};

describe('a delta', () => {
  it('makes the view after of the view before, by way of JSON, whatever has changed and however often', () => {
    let [told, small] = [0, 0];
    fc.assert(fc.property(histories, (history) => {
      const held = new Map<string, NodeView>();
      const sent = new Map<string, NodeView>();
      play(history, (_, state) => {
        for (const node of state.intent.nodes.keys()) {
          const [view, last, base] = [viewOf(state, node), sent.get(node), held.get(node)];
          if (last === undefined || base === undefined) held.set(node, overTheWire(view));
          else {
            const delta = diffView(last, view);
            const next = applyDelta(base, overTheWire(delta));
            expect(next).toEqual(overTheWire(view));
            if (next !== undefined) held.set(node, next);
            ++told;
            if (JSON.stringify(delta).length < JSON.stringify(view).length / 3) ++small;
          }
          sent.set(node, view);
        }
      });
    }), { numRuns: 80 });
    expect(told).toBeGreaterThan(500);
    expect(small).toBeGreaterThan(250);
  }, 120_000);

  it('says the same of views that share nothing as of those that share what they can', () => {
    fc.assert(fc.property(histories, (history) => {
      play(history, (before, after) => {
        for (const node of after.intent.nodes.keys()) {
          if (!before.intent.nodes.has(node)) continue;
          const [old, now] = [viewOf(before, node), viewOf(after, node)];
          const delta = diffView(structuredClone(old), structuredClone(now));
          expect(applyDelta(old, overTheWire(delta))).toEqual(overTheWire(now));
        }
      });
    }), { numRuns: 30 });
  }, 120_000);

  const before = viewOf(seedState(), 'cn1');
  const after = viewOf(run(seedState(), { command: 'detachPort', name: 'vm3' }), 'cn1');

  it('of one port of a network names that port alone', () => {
    expect(diffView(before, after)).toEqual({
      from: before.generation,
      to: after.generation,
      changedNetworks: [{ name: 'red', ports: { gone: ['vm3'] }, floodVteps: { gone: ['172.16.0.12'] } }],
    });
    expect(diffView(after, before).changedNetworks?.[0]?.ports?.put?.map(({ at, one: { name } }) => [at, name])).toEqual([[1, 'vm3']]);
  });

  it('leaves what did not change the same objects, for whoever derives from them', () => {
    const next = applyDelta(before, overTheWire(diffView(before, after)));
    expect(next?.peers).toBe(before.peers);
    expect(next?.networks[0]).toBe(before.networks[0]);
    expect(next?.networks[1]?.ports[0]).toBe(before.networks[1]?.ports[0]);
    expect(next?.routers).toBe(before.routers);
  });

  it('puts a thing that comes between others in its place', () => {
    const few = viewOf(run(emptyState, apply(seedText), bind('vm1', 'cn1')), 'cn1');
    const more = { ...few, peers: [...few.peers.slice(0, 1), { name: 'cn3', vtepIp: '172.16.0.13', interop: false }, ...few.peers.slice(1)] };
    const turned = { ...few, peers: few.peers.toReversed() };
    for (const other of [more, turned]) expect(applyDelta(few, overTheWire(diffView(few, other)))).toEqual(other);
  });

  it.each<[string, Partial<ViewDelta>]>([
    ['another generation', { from: 1 }],
    ['a port that it does not have', { changedNetworks: [{ name: 'red', ports: { gone: ['vm9'] } }] }],
    ['a network that it does not have', { changedNetworks: [{ name: 'blue', ports: { gone: [] } }] }],
    ['a place that it does not have', { localPorts: { put: [{ at: 7, one: { name: 'x', network: 'red', portSecurity: true } }] } }],
  ])('of a view with %s is not made of this one', (_, delta) => {
    expect(applyDelta(before, { from: before.generation, to: before.generation + 1, ...delta })).toBeUndefined();
  });
});
