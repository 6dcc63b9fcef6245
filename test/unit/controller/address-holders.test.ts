/** Addresses that several ports may use: who announced one last has it, in whatever order that is heard. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holderKey, mayHold, type Announcement } from '../../../src/controller/address-holders.js';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { step, type Command } from '../../../src/controller/state.js';
import { viewsOf } from '../../../src/controller/views.js';
import { parseIp, parseMac } from '../../../src/model/addresses.js';
import { DvrError } from '../../../src/model/errors.js';
import { MAX_HELD_ADDRESSES_PER_PORT } from '../../../src/model/limits.js';
import type { PortView } from '../../../src/model/node-view.js';
import { restored } from './kept.js';
import { apply, bind, run } from './support.js';

const vmac = '00:00:5e:00:01:33';
const sharedText = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes: { cn1: { vtep: 172.16.0.11 }, cn2: { vtep: 172.16.0.12 }, cn3: { vtep: 172.16.0.13 } }
networks: { red: { vni: 101, subnets: [10.1.0.0/24] }, green: { vni: 102, subnets: [10.2.0.0/24] } }
routers: { r1: { networks: [red, green] } }
ports:
  lb1: { network: red, mac: fa:16:3e:00:00:01, allowed_address_pairs: [{ ip: 10.1.0.100 }, { ip: 10.1.0.101, mac: "${vmac}" }, { ip: 10.1.0.102, mac: "${vmac}" }] }
  lb2: { network: red, mac: fa:16:3e:00:00:02, allowed_address_pairs: [{ ip: 10.1.0.100 }, { ip: 10.1.0.101, mac: "${vmac}" }, { ip: 10.1.0.102, mac: "${vmac}" }] }
  lb3: { network: red, mac: fa:16:3e:00:00:03, allowed_address_pairs: [{ ip: 10.1.0.0/25 }] }
  vm1: { network: green }
`;
const own: Readonly<Record<string, string>> = { lb1: 'fa:16:3e:00:00:01', lb2: 'fa:16:3e:00:00:02', lb3: 'fa:16:3e:00:00:03' };
const homes: Readonly<Record<string, string>> = { lb1: 'cn1', lb2: 'cn2', lb3: 'cn2' };
const shared = (): ControllerState =>
  run(emptyState, apply(sharedText), ...Object.entries(homes).map(([port, node]) => bind(port, node)), bind('vm1', 'cn3'));

function says(port: string, ip: string, at: number, mac = own[port] ?? ''): Announcement {
  const [parsed, parsedMac] = [parseIp(ip), parseMac(mac)];
  if (parsed === undefined || parsedMac === undefined) throw new Error(`${ip} ${mac}`);
  return { node: homes[port] ?? 'cn3', port, ip: parsed, mac: parsedMac, at, heardAt: at };
}
const move = (...announced: readonly Announcement[]): Command => ({ command: 'moveAddresses', announced });
const holder = ({ intent }: ControllerState, ip: string): string | undefined =>
  intent.addressHolders.get(holderKey('red', ip))?.port;
const portsOf = ({ intent }: ControllerState, node = 'cn3'): readonly PortView[] =>
  viewsOf(intent).content.get(node)?.networks.find(({ name }) => name === 'red')?.ports ?? [];
const holds = (state: ControllerState): Record<string, PortView['holds']> =>
  Object.fromEntries(portsOf(state).flatMap(({ name, holds: held }) => (held === undefined ? [] : [[name, held]])));

describe('an address that several ports may use', () => {
  it('is held by the port that announced it last, and every node with the router is told', () => {
    const first = run(shared(), move(says('lb1', '10.1.0.100', 1000)));
    expect(holds(first)).toEqual({ lb1: [{ ip: '10.1.0.100', mac: own['lb1'] }] });
    const result = step(first, move(says('lb2', '10.1.0.100', 2000)));
    if (result instanceof DvrError) throw result;
    expect(result.events).toEqual([{ event: 'address_moved', network: 'red', ip: '10.1.0.100', port: 'lb2', from: 'lb1' }]);
    expect(holds(result.state)).toEqual({ lb2: [{ ip: '10.1.0.100', mac: own['lb2'] }] });
    expect(result.state.intent.generation).toBe(first.intent.generation + 1);
  });

  it('stays where it is when the same port announces it again, and nobody is told', () => {
    const first = run(shared(), move(says('lb1', '10.1.0.100', 1000)));
    expect(run(first, move(says('lb1', '10.1.0.100', 5000))).intent.generation).toBe(first.intent.generation);
  });

  it('goes back to who was late only by a newer announcement', () => {
    const state = run(shared(), move(says('lb1', '10.1.0.100', 1000)), move(says('lb2', '10.1.0.100', 2000)));
    expect(holder(run(state, move(says('lb1', '10.1.0.100', 1500))), '10.1.0.100')).toBe('lb2');
    expect(holder(run(state, move(says('lb1', '10.1.0.100', 2500))), '10.1.0.100')).toBe('lb1');
  });

  it('moves again after a clock was wrong: what was announced in the far future counts no longer', () => {
    const state = run(shared(), move({ ...says('lb1', '10.1.0.100', 1_000_000), heardAt: 1_000_000 }));
    const [late, wrong] = [995_000, 980_000].map((at) => run(state, move(says('lb2', '10.1.0.100', at))));
    expect([late, wrong].map((one) => one && holder(one, '10.1.0.100'))).toEqual(['lb1', 'lb2']);
  });

  it.each([
    ['an address that its pairs do not have', says('lb1', '10.1.0.77', 1)],
    ['an address outside its prefix', says('lb3', '10.1.0.200', 1)],
    ['an address with a MAC that its pair does not have', says('lb1', '10.1.0.101', 1)],
    ['anything from a node that it is not bound to', { ...says('lb1', '10.1.0.100', 1), node: 'cn2' }],
    ['anything where there is no such port', { ...says('lb1', '10.1.0.100', 1), port: 'lb9' }],
  ])('is not moved by a port that announces %s', (_what, announcement) => {
    const state = shared();
    expect(run(state, move(announcement)).intent).toBe(state.intent);
  });

  it('may be any of a pair that is a prefix, and then has a place like others', () => {
    expect(holds(run(shared(), move(says('lb3', '10.1.0.77', 1))))).toEqual({ lb3: [{ ip: '10.1.0.77', mac: own['lb3'] }] });
  });

  it('is forgotten with its port, its binding, or the pair that allowed it, and kept through a new topology', () => {
    const state = run(shared(), move(says('lb1', '10.1.0.100', 1000)));
    expect(holder(run(state, apply(sharedText)), '10.1.0.100')).toBe('lb1');
    for (const command of [
      { command: 'detachPort', name: 'lb1' }, { command: 'deletePort', name: 'lb1' },
      { command: 'setAllowedPairs', name: 'lb1', pairs: [] },
    ] satisfies Command[]) expect(holder(run(state, command), '10.1.0.100')).toBeUndefined();
  });

  it('takes the addresses of its virtual MAC along: a MAC is at one place', () => {
    const state = run(shared(), move(says('lb1', '10.1.0.101', 1000, vmac), says('lb1', '10.1.0.102', 1000, vmac)));
    expect(holds(state)).toEqual({ lb1: [{ ip: '10.1.0.101', mac: vmac }, { ip: '10.1.0.102', mac: vmac }] });
    expect(holds(run(state, move(says('lb2', '10.1.0.102', 2000, vmac)))))
      .toEqual({ lb2: [{ ip: '10.1.0.101', mac: vmac }, { ip: '10.1.0.102', mac: vmac }] });
  });

  it('is one of so many of a port: those announced longest ago are forgotten', () => {
    const ips = Array.from({ length: MAX_HELD_ADDRESSES_PER_PORT + 3 }, (_, at) => `10.9.${at >> 8}.${at & 255}`);
    const wide = apply(sharedText.replace('10.1.0.0/25', '10.0.0.0/8'));
    const state = run(shared(), wide, move(...ips.map((ip, at) => says('lb3', ip, at))));
    expect(state.intent.addressHolders.size).toBe(MAX_HELD_ADDRESSES_PER_PORT);
    expect(ips.slice(0, 4).map((ip) => holder(state, ip))).toEqual([undefined, undefined, undefined, 'lb3']);
  });
});

const announcement = fc.oneof(
  fc.record({ port: fc.constantFrom('lb1', 'lb2', 'lb3'), ip: fc.constantFrom('10.1.0.100', '10.1.0.101', '10.1.0.7'), at: fc.nat(20) })
    .map(({ port, ip, at }) => says(port, ip, at)),
  fc.record({ port: fc.constantFrom('lb1', 'lb2'), ip: fc.constantFrom('10.1.0.101', '10.1.0.102'), at: fc.nat(20) })
    .map(({ port, ip, at }) => says(port, ip, at, vmac)),
);

it('whatever is announced, twice, late and in any order, one holder is left: the one that was last', () => {
  let moved = 0;
  fc.assert(
    fc.property(fc.array(announcement, { minLength: 1, maxLength: 12 }).chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all], { minLength: 2 * all.length }))), ([all, shuffled]) => {
      const [inOrder, anyhow] = [all, shuffled].map((list) => list.reduce((state, one) => run(state, move(one)), shared()));
      expect(new Map([...anyhow?.intent.addressHolders ?? []].sort())).toEqual(new Map([...inOrder?.intent.addressHolders ?? []].sort()));
      for (const { ip, announcedAt } of inOrder?.intent.addressHolders.values() ?? []) {
        const valid = all.filter((one) => one.ip === ip && isAllowed(inOrder, one));
        expect(announcedAt).toBe(Math.max(...valid.map(({ at }) => at)));
        moved++;
      }
    }),
  );
  expect(moved).toBeGreaterThan(20);
});

const isAllowed = (state: ControllerState | undefined, { port: name, ip, mac }: Announcement): boolean => {
  const port = state?.intent.ports.get(name);
  return port !== undefined && mayHold(port, ip, mac);
};

const change: fc.Arbitrary<Command> = fc.oneof(
  announcement.map((one) => move(one)),
  fc.constantFrom('lb1', 'lb2', 'lb3').map((name): Command => ({ command: 'detachPort', name })),
  fc.constantFrom('lb1', 'lb2', 'lb3').map((name) => bind(name, homes[name] ?? '')),
  fc.constantFrom('lb1', 'lb2').map((name): Command => ({ command: 'setAllowedPairs', name, pairs: [] })),
  fc.constant(apply(sharedText)),
);

it('whatever happens to ports, every holder may hold, a MAC is at one place, and the state file keeps it all', () => {
  let held = 0;
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), (commands) => {
      let state = shared();
      for (const command of commands) {
        const next = step(state, command);
        if (next instanceof DvrError) continue;
        state = next.state;
        for (const { port: name, ip, mac } of state.intent.addressHolders.values()) {
          const port = state.intent.ports.get(name);
          expect(port?.binding !== undefined && mayHold(port, ip, mac)).toBe(true);
          held++;
        }
        const places = portsOf(state).flatMap(({ name, mac: own, holds: held = [] }) =>
          held.filter(({ mac }) => mac !== own).map(({ mac }) => `${mac} ${name}`));
        expect(new Set(places.map((place) => place.split(' ')[0])).size).toBe(new Set(places).size);
        expect(restored(state.intent)).toEqual(state.intent);
      }
    }),
  );
  expect(held).toBeGreaterThan(20);
});
