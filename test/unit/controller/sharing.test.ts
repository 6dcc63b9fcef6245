/** Views are derived from those of before, and it must never show but in what they cost. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyState, type Intent } from '../../../src/controller/intent.js';
import { macPool } from '../../../src/controller/gateway-macs.js';
import { recordById } from '../../../src/controller/records.js';
import type { Kind } from '../../../src/controller/resource-index.js';
import { nodesOfRouter } from '../../../src/controller/router-copies.js';
import { withGateways } from '../../../src/controller/gateways.js';
import { placedFloatingIps } from '../../../src/controller/floating-ips.js';
import { viewBytes, viewText } from '../../../src/controller/view-text.js';
import { viewsOf } from '../../../src/controller/views.js';
import { macOf } from '../../../src/model/addresses.js';
import { PORT_MAC_OUI } from '../../../src/model/limits.js';
import { diffView } from '../../../src/model/view-delta.js';
import { externalText } from './external.js';
import { apply, bind, run, seedState, seedText } from './support.js';
import { histories, play, unknown } from './view-changes.js';

function lowestFreeMac({ ports, routers, gateways, fgPorts }: Intent): string {
  const taken = new Set<string>([
    ...[...ports.values(), ...gateways.values(), ...fgPorts.values()].map(({ mac }) => mac),
    ...[...routers.values()].flatMap(({ interfaces }) => interfaces.map(({ mac }) => mac)),
    ...[...gateways.values()].flatMap(({ snatPorts }) => snatPorts.map(({ mac }) => mac)),
  ]);
  for (let n = 1; ; ++n) {
    const mac = macOf(PORT_MAC_OUI, n);
    if (!taken.has(mac)) return mac;
  }
}

describe('after any change', () => {
  it('views say what they would if nothing were remembered, and so does what they are made of', () => {
    let [steps, routed] = [0, 0];
    fc.assert(fc.property(histories, (history) => {
      play(history, (_, { intent }) => {
        const afresh = unknown(intent);
        const { content } = viewsOf(intent);
        expect(content).toEqual(viewsOf(afresh).content);
        for (const router of intent.routers.values())
          expect(nodesOfRouter(intent, router)).toEqual(nodesOfRouter(afresh, router));
        expect(placedFloatingIps(intent).byKey).toEqual(placedFloatingIps(afresh).byKey);
        for (const view of content.values()) expect(viewBytes(view)).toBe(Buffer.byteLength(viewText(view)));
        ++steps;
        routed += [...content.values()].flatMap(({ routers }) => routers).filter(({ gateway }) => gateway !== undefined).length;
      });
    }), { numRuns: 80 });
    // Were all refused, or nothing anywhere, nothing would have been compared.
    expect(steps).toBeGreaterThan(250);
    expect(routed).toBeGreaterThan(50);
  }, 120_000);

  it('the lowest free MAC is given, and each UUID leads to its record and those that have gone to none', () => {
    fc.assert(fc.property(histories, (history) => {
      const ids = new Map<string, Kind>();
      play(history, (_, { intent }) => {
        expect(macPool(intent).allocate('anybody')).toBe(lowestFreeMac(intent));
        for (const { id, kind } of intent.records.values()) ids.set(id, kind);
        const there = new Map([...intent.records.values()].map((record) => [record.id, record]));
        for (const [id, kind] of ids) expect(recordById(intent, kind, id)).toBe(there.get(id));
      });
    }), { numRuns: 40 });
  }, 120_000);

  it('the way out is settled, also where only ports had changed and nobody looked at it', () => {
    fc.assert(fc.property(histories, (history) => {
      play(history, (_, { intent }) => {
        const { gateways, fgPorts } = withGateways(unknown(intent));
        expect(intent.gateways).toEqual(gateways);
        expect(intent.fgPorts).toEqual(fgPorts);
      });
    }), { numRuns: 80 });
  }, 120_000);

  it('a view is another object exactly where it says something else, and the generation counts that', () => {
    fc.assert(fc.property(histories, (history) => {
      play(history, ({ intent: before }, { intent: after }) => {
        const [old, now] = [viewsOf(before).content, viewsOf(after).content];
        for (const [node, view] of now)
          expect([node, view === old.get(node)]).toEqual([node, JSON.stringify(view) === JSON.stringify(old.get(node))]);
        const isSame = old.size === now.size && [...now].every(([node, view]) => old.get(node) === view);
        expect(after.generation - before.generation).toBe(isSame ? 0 : 1);
      });
    }), { numRuns: 80 });
  }, 120_000);
});

it('what was before is let go of: maps of ports, networks\' lists of them, placed floating IPs', async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const was: WeakRef<object>[] = [];
  let state = run(emptyState, apply(externalText), bind('vm1', 'cn1'));
  for (let at = 0; at < 10; ++at) {
    const before = state;
    state = run(before, at % 2 === 0 ? bind('vm2', 'cn1') : { command: 'detachPort', name: 'vm2' });
    const [old, view] = [before, state].map(({ intent }) => viewsOf(intent).content.get('cn1'));
    if (old === undefined || view === undefined) throw new Error('cn1 has no view');
    expect(diffView({ generation: 1, ...old }, { generation: 2, ...view }).localPorts).toBeDefined();
    was.push(new WeakRef(before.intent.ports), new WeakRef(placedFloatingIps(before.intent)));
    for (const { ports } of old.networks) was.push(new WeakRef(ports));
    // What a WeakRef was asked for is held until the turn ends.
    await setImmediate();
  }
  const held = new Set<object>([state.intent.ports, placedFloatingIps(state.intent)]);
  for (const { networks } of viewsOf(state.intent).content.values()) for (const { ports } of networks) held.add(ports);
  gc();
  expect(was.length).toBeGreaterThan(30);
  expect(was.filter((ref) => { const one = ref.deref(); return one !== undefined && !held.has(one); }).length).toBeLessThan(8);
});

describe('what a change does not touch', () => {
  const text = seedText.replace('networks:\n', 'networks:\n  blue: { vni: 103, subnets: [10.3.0.0/24] }\n') + '  vm9: { network: blue }\n';

  it('stays the same object: views of other nodes, other networks, other ports, the lists they are in', () => {
    const before = run(emptyState, apply(text), bind('vm1', 'cn1'), bind('vm3', 'cn2'), bind('vm9', 'nn1'));
    const after = run(before, bind('vm2', 'cn2'));
    const [old, now] = [viewsOf(before.intent).content, viewsOf(after.intent).content];
    expect(now.get('nn1')).toBe(old.get('nn1'));
    const [cn1, cn1Before] = [now.get('cn1'), old.get('cn1')];
    expect(cn1).not.toBe(cn1Before);
    expect(cn1?.peers).toBe(cn1Before?.peers);
    expect(cn1?.routers).toBe(cn1Before?.routers);
    expect(cn1?.localPorts).toBe(cn1Before?.localPorts);
    expect(cn1?.networks.map((network) => cn1Before?.networks.includes(network))).toEqual([false, true]);
  });

  it('is one object for all nodes that know it', () => {
    const { content } = viewsOf(seedState().intent);
    const [one, other] = ['cn1', 'cn2'].map((node) => content.get(node));
    expect(one?.networks.map(({ ports }) => ports)).toHaveLength(2);
    one?.networks.forEach(({ ports }, at) => { expect(other?.networks[at]?.ports).toBe(ports); });
    expect(one?.routers[0]).toBe(other?.routers[0]);
  });

  it('stays what it was when a topology says the same again, in other words', () => {
    const before = run(emptyState, apply(text), bind('vm1', 'cn1'));
    const after = run(before, apply(`${text}\n`), apply(text.replace('  vm2:', '  vm7: { network: red }\n  vm2:')));
    expect(after.intent.ports.size).toBe(before.intent.ports.size + 1);
    for (const [node, view] of viewsOf(before.intent).content) expect(viewsOf(after.intent).content.get(node)).toBe(view);
  });
});
