/** Live migration of a port: what each node is told at each step, and that any order of news ends in one place. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ControllerState } from '../../../src/controller/intent.js';
import type { MigratePort } from '../../../src/controller/migrations.js';
import { step, type Command } from '../../../src/controller/state.js';
import { viewsOf, type ViewContent } from '../../../src/controller/views.js';
import { DvrError } from '../../../src/model/errors.js';
import type { LocalPortView, PortReport, PortView } from '../../../src/model/node-view.js';
import { restored } from './kept.js';
import { apply, attachCommand, bind, refusal, run, seedState, seedText } from './support.js';

const place = { netns: '/run/netns/vm1b', ifname: 'eth0' };
const prepare = (to = 'nn1', plug: { attachment?: typeof place } = { attachment: place }): MigratePort =>
  ({ command: 'migratePort', name: 'vm1', step: 'prepare', to, ...plug });
const finish: MigratePort = { command: 'migratePort', name: 'vm1', step: 'finish' };
const abort: MigratePort = { command: 'migratePort', name: 'vm1', step: 'abort' };
const reported = (state: ControllerState, node: string, port: PortReport): Command =>
  ({ command: 'reportNode', report: { node, generation: state.intent.generation, ports: [port], errors: [] } });

const view = ({ intent }: ControllerState, node: string): ViewContent => {
  const found = viewsOf(intent).content.get(node);
  if (found === undefined) throw new Error(`${node} has no view`);
  return found;
};
const local = (state: ControllerState, node: string): LocalPortView | undefined =>
  view(state, node).localPorts.find(({ name }) => name === 'vm1');
const seen = (state: ControllerState, node: string): PortView | undefined =>
  view(state, node).networks.flatMap(({ ports }) => ports).find(({ name }) => name === 'vm1');
const floods = (state: ControllerState, node: string): readonly string[] =>
  view(state, node).networks.find(({ name }) => name === 'red')?.floodVteps ?? [];

describe('a port that is prepared to move', () => {
  const prepared = run(seedState(), prepare());

  it('is at home where it was, for everybody', () => {
    for (const node of ['cn1', 'cn2', 'nn1']) expect(seen(prepared, node)).toMatchObject({ node: 'cn1', migratingTo: 'nn1' });
    expect(local(prepared, 'cn1')).not.toHaveProperty('incoming');
  });

  it('gives the node that it goes to its networks, routers, broadcasts and device', () => {
    expect(local(seedState(), 'nn1')).toBeUndefined();
    expect(local(prepared, 'nn1')).toEqual({ name: 'vm1', network: 'red', portSecurity: true, attachment: place, incoming: true });
    expect(view(prepared, 'nn1').networks.map(({ name }) => name)).toEqual(['green', 'red']);
    expect(view(prepared, 'nn1').routers.map(({ id }) => id)).toEqual(['r1']);
    expect(floods(prepared, 'cn1')).toContain('172.16.0.21');
    expect(floods(seedState(), 'cn1')).not.toContain('172.16.0.21');
  });

  it('is there once finished, and the node that it left knows it no more than others', () => {
    const moved = run(prepared, finish);
    for (const node of ['cn2', 'nn1']) expect(seen(moved, node)).toMatchObject({ node: 'nn1' });
    expect(seen(moved, 'nn1')).not.toHaveProperty('migratingTo');
    expect(local(moved, 'nn1')).toEqual({ name: 'vm1', network: 'red', portSecurity: true, attachment: place });
    expect(local(moved, 'cn1')).toBeUndefined();
  });

  it('stays where it is when that is given up, as if nothing had been prepared', () => {
    const stayed = run(prepared, abort);
    for (const node of ['cn1', 'cn2', 'nn1']) expect(view(stayed, node)).toEqual(view(seedState(), node));
    expect(run(stayed, abort).intent).toBe(stayed.intent);
  });

  it('is prepared once: asked again, nobody is told; and its device may be named later', () => {
    expect(run(prepared, prepare()).intent).toBe(prepared.intent);
    const unplugged = run(seedState(), prepare('nn1', {}));
    expect(local(unplugged, 'nn1')).toEqual({ name: 'vm1', network: 'red', portSecurity: true, incoming: true });
    expect(local(run(unplugged, prepare()), 'nn1')).toMatchObject({ attachment: place });
  });

  it('is kept through a new topology, and ends with the port\'s binding', () => {
    expect(seen(run(prepared, apply(seedText)), 'cn2')).toMatchObject({ migratingTo: 'nn1' });
    const detached = run(prepared, { command: 'detachPort', name: 'vm1' });
    expect(local(run(detached, bind('vm1', 'cn1')), 'nn1')).toBeUndefined();
  });

  it('has moved when its device vanishes where it was, and stays when it vanishes where it was to go', () => {
    const left = run(prepared, reported(prepared, 'cn1', { name: 'vm1', state: 'gone' }));
    expect(seen(left, 'cn2')).toMatchObject({ node: 'nn1' });
    const stayed = run(prepared, reported(prepared, 'nn1', { name: 'vm1', state: 'gone' }));
    expect(seen(stayed, 'cn2')).toMatchObject({ node: 'cn1' });
    expect(seen(stayed, 'cn2')).not.toHaveProperty('migratingTo');
  });

  it('is not ended by what a node says of before', () => {
    const old = reported(seedState(), 'nn1', { name: 'vm1', state: 'gone' });
    expect(run(prepared, old).intent).toBe(prepared.intent);
  });
});

it.each([
  ['to the node that it is on', prepare('cn1'), 'vm1 is on cn1 already'],
  ['to a node that there is not', prepare('cn9'), 'no node is named "cn9"'],
  ['that is unknown', { ...prepare(), name: 'vm9' }, 'no port is named "vm9"'],
  ['that nobody has prepared', finish, 'vm1 is not migrating'],
] as const)('a port %s does not migrate, and nothing has changed', (_what, command, words) => {
  expect(refusal(seedState(), command).message).toContain(words);
});

it('a port that is bound nowhere, or on its way already, is told what to do instead', () => {
  expect(refusal(run(seedState(), { command: 'detachPort', name: 'vm1' }), prepare()).message).toContain('bound to no node');
  expect(refusal(run(seedState(), prepare()), prepare('cn2')).message).toContain('vm1 is migrating to nn1');
});

const nodes = ['cn1', 'cn2', 'nn1'] as const;
const someNode = fc.constantFrom(...nodes);
/** What may happen; a report is made of the state as it was `ago` commands before. */
type Happening = Command | { readonly gone: string; readonly ago: number };
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: someNode.map((to) => prepare(to)) },
  { weight: 2, arbitrary: fc.constant<Happening>(finish) },
  fc.constant<Happening>(abort),
  fc.record({ gone: someNode, ago: fc.nat(3) }),
  fc.constant<Happening>({ command: 'detachPort', name: 'vm1' }),
  someNode.map((node) => attachCommand('vm1', { network: 'red', node })),
  fc.constant(apply(seedText)),
);

it('whatever is asked and heard, late or twice, the port is at one place, and every node says the same one', () => {
  let migrating = 0;
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 25 }), (all) => {
      const history = [seedState()];
      for (const one of all) {
        const state = history.at(-1) ?? seedState();
        const command = 'command' in one ? one : reported(history.at(-1 - one.ago) ?? state, one.gone, { name: 'vm1', state: 'gone' });
        const result = step(state, command);
        if (result instanceof DvrError) continue;
        const next = result.state;
        history.push(next);
        const homes = nodes.filter((node) => local(next, node) !== undefined && local(next, node)?.incoming === undefined);
        const comings = nodes.filter((node) => local(next, node)?.incoming === true);
        migrating += comings.length;
        expect(homes).toEqual(next.intent.ports.get('vm1')?.binding === undefined ? [] : [next.intent.ports.get('vm1')?.binding?.node]);
        for (const node of nodes) {
          const port = seen(next, node);
          if (port !== undefined) expect([[port.node], port.migratingTo === undefined ? [] : [port.migratingTo]]).toEqual([homes, comings]);
        }
        expect(restored(next.intent)).toEqual(next.intent);
      }
    }),
  );
  expect(migrating).toBeGreaterThan(50);
});
