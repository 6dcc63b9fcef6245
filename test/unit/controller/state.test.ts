/** The controller as a state machine: what commands do, and that a refused one does nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import { parseIp, type IpAddress } from '../../../src/model/addresses.js';
import { emptyState, type ControllerState } from '../../../src/controller/intent.js';
import { faultsOf } from '../../../src/controller/invariants.js';
import { step, type Command } from '../../../src/controller/state.js';
import { networkMtu } from '../../../src/controller/network-views.js';
import { kept, restored } from './kept.js';
import { apply, attachCommand, bind, named, refusal, run, seedState, seedText } from './support.js';

const register = (node: string, vtepIp: string, underlayMtuBytes: number): Extract<Command, { command: 'registerNode' }> => ({
  command: 'registerNode',
  node,
  vtepIp,
  underlayMtuBytes,
});
const detach = (name: string): Command => ({ command: 'detachPort', name });
const ip = (text: string): IpAddress => parseIp(text) as IpAddress;
const portOf = (state: ControllerState, name: string) => state.intent.ports.get(name);

describe('applying a topology', () => {
  it('gives every node a DVR MAC, every router interface and port a MAC of its own', () => {
    const { intent } = run(emptyState, apply(seedText));
    expect([...intent.dvrMacs.values()]).toEqual([
      'fa:16:3f:00:00:01',
      'fa:16:3f:00:00:02',
      'fa:16:3f:00:00:03',
    ]);
    const macs = [
      ...[...intent.routers.values()].flatMap((router) => router.interfaces.map(({ mac }) => mac)),
      ...[...intent.ports.values()].map(({ mac }) => mac),
    ];
    expect(new Set(macs).size).toBe(6);
    expect(macs.every((mac) => mac.startsWith('fa:16:3e:'))).toBe(true);
  });

  it('binds no port: a port is bound when it is attached', () => {
    expect(portOf(run(emptyState, apply(seedText)), 'vm1')?.binding).toBeUndefined();
  });

  it('twice changes nothing', () => {
    const once = seedState();
    expect(run(once, apply(seedText)).intent).toEqual(once.intent);
  });

  it('in another order of lines gives kept things the same numbers', () => {
    const once = seedState();
    const lines = seedText.split('\n');
    const ports = lines.splice(lines.indexOf('ports:') + 1, 4).reverse();
    lines.splice(lines.indexOf('ports:') + 1, 0, '  new: { network: red }', ...ports);
    const twice = run(once, apply(lines.join('\n')));
    for (const [name, port] of once.intent.ports) expect(portOf(twice, name)).toEqual(port);
    expect(portOf(twice, 'new')?.ips).toEqual(['10.1.0.2']);
  });

  it('keeps what was allocated, and the DVR MAC of a node that left and came back', () => {
    const without = seedText.replace(/^ {2}cn1:.*\n/m, '').replaceAll(/^ {2}vm[14]:.*\n/gm, '');
    const before = run(emptyState, apply(seedText));
    const after = run(before, apply(without), apply(seedText));
    expect(after.intent.nodes.get('cn1')?.dvrMac).toBe(before.intent.nodes.get('cn1')?.dvrMac);
    expect(new Set([...after.intent.nodes.values()].map(({ dvrMac }) => dvrMac)).size).toBe(3);
  });

  it('leaves ports alone that attach made, and refuses to leave them without a place', () => {
    const state = run(seedState(), attachCommand('c1', { network: 'red', node: 'nn1' }));
    expect(portOf(run(state, apply(seedText)), 'c1')).toEqual(portOf(state, 'c1'));
    const noNetwork = seedText
      .replace(/^ {2}red:.*\n/m, '')
      .replace('[red, green]', '[green]')
      .replaceAll(/^ {2}vm[13]:.*\n/gm, '');
    expect(refusal(state, apply(noNetwork)).message).toBe(
      'port c1 is on network red, which the topology no longer has',
    );
    expect(refusal(state, apply(seedText.replace(/^ {2}nn1:.*\n/m, ''))).message).toBe(
      'port c1 is bound to node nn1, which the topology no longer has',
    );
    const stolen = seedText.replace('10.1.0.13', portOf(state, 'c1')?.ips[0] ?? '');
    expect(refusal(state, apply(stolen)).code).toBe('DVR_CONFLICT');
  });

  it('refuses a declared MAC that another port or a router was given', () => {
    const state = run(seedState(), attachCommand('c1', { network: 'red', node: 'nn1' }));
    const taken = [portOf(state, 'c1')?.mac, portOf(state, 'vm2')?.mac, 'fa:16:3e:00:00:01'];
    for (const mac of taken) {
      const text = `${seedText}  new: { network: red, mac: "${mac}" }\n`;
      expect(refusal(state, apply(text)).code).toBe('DVR_ADDRESS_IN_USE');
    }
  });

  it('does not move a plugged-in guest to another network or MAC', () => {
    const moved = seedText.replace(
      'vm1: { network: red, node: cn1, ip: 10.1.0.11 }',
      'vm1: { network: green, node: cn1 }',
    );
    expect(refusal(seedState(), apply(moved)).message).toBe(
      'port vm1 is bound; it cannot move from network red to green',
    );
    const other = seedText.replace('ip: 10.1.0.11', 'mac: "fa:16:3e:aa:00:01"');
    expect(refusal(seedState(), apply(other)).code).toBe('DVR_CONFLICT');
  });

  it('refuses a VNI that was given to another network', () => {
    const first = seedText.replace('vni: 101, ', '');
    const state = run(emptyState, apply(first));
    expect(state.intent.networks.get('red')?.vni).toBe(1);
    expect(refusal(state, apply(first.replace('vni: 102', 'vni: 1'))).message).toBe(
      'VNI 1, declared for network green, has been given to network red',
    );
  });
});

describe('attaching', () => {
  it('makes the port where it does not exist, and detaching deletes it again', () => {
    const state = run(seedState(), attachCommand('c1', { network: 'red', node: 'nn1' }));
    expect(portOf(state, 'c1')).toMatchObject({
      ips: ['10.1.0.2'],
      madeBy: 'attach',
      binding: { node: 'nn1', attachment: { ifname: 'eth0' } },
    });
    expect(portOf(run(state, detach('c1')), 'c1')).toBeUndefined();
  });

  it('uses the node the topology wants for a declared port, which stays when detached', () => {
    const state = run(emptyState, apply(seedText), attachCommand('vm1'));
    expect(portOf(state, 'vm1')?.binding?.node).toBe('cn1');
    const detached = portOf(run(state, detach('vm1')), 'vm1');
    expect([detached?.node, detached?.binding]).toEqual(['cn1', undefined]);
  });

  it('twice is the same as once', () => {
    const once = run(seedState(), attachCommand('vm1'));
    expect(run(once, attachCommand('vm1')).intent).toBe(once.intent);
    const unbound = run(once, detach('vm1'));
    expect(run(unbound, detach('vm1')).intent).toBe(unbound.intent);
  });

  it.each<[string, Command, string]>([
    ['elsewhere while attached', attachCommand('vm1', { node: 'cn2' }), 'DVR_CONFLICT'],
    ['to a network it is not of', attachCommand('vm1', { network: 'green' }), 'DVR_CONFLICT'],
    ['an unknown port without saying where', attachCommand('c1'), 'DVR_USAGE'],
    [
      'to an unknown network',
      attachCommand('c1', { network: 'blue', node: 'cn1' }),
      'DVR_NOT_FOUND',
    ],
    ['to an unknown node', attachCommand('c1', { network: 'red', node: 'cn9' }), 'DVR_NOT_FOUND'],
    [
      "with a gateway's address",
      {
        command: 'attachPort',
        name: named('c1'),
        network: 'red',
        node: 'cn1',
        ip: ip('10.1.0.1'),
        attachment: { pid: 1, ifname: 'eth0' },
      },
      'DVR_USAGE',
    ],
    [
      "with another port's address",
      {
        command: 'attachPort',
        name: named('c1'),
        network: 'red',
        node: 'cn1',
        ip: ip('10.1.0.11'),
        attachment: { pid: 1, ifname: 'eth0' },
      },
      'DVR_ADDRESS_IN_USE',
    ],
  ])('is refused: %s', (_what, command, code) => {
    expect(refusal(seedState(), command).code).toBe(code);
  });
});

describe('changing a port', () => {
  it('gives it other addresses and pairs, and counts a generation', () => {
    const before = seedState();
    const after = run(before, {
      command: 'updatePort',
      name: 'vm1',
      changes: { ips: [ip('10.1.0.50')], allowedAddressPairs: [{ ip: ip('10.1.0.60') }] },
    });
    expect(portOf(after, 'vm1')).toMatchObject({
      ips: ['10.1.0.50'],
      allowedAddressPairs: [{ ip: '10.1.0.60' }],
    });
    expect(after.intent.generation).toBe(before.intent.generation + 1);
  });

  it('changes all or nothing', () => {
    const error = refusal(seedState(), {
      command: 'updatePort',
      name: 'vm1',
      changes: { ips: [ip('10.1.0.50')], allowedAddressPairs: [{ ip: ip('10.1.0.1') }] },
    });
    expect(error.message).toBe("port vm1: 10.1.0.1 is router r1's address");
  });

  it('keeps the MAC of a bound port', () => {
    const command = {
      command: 'updatePort',
      name: 'vm1',
      changes: { mac: 'fa:16:3e:aa:00:01' as never },
    } as const;
    expect(refusal(seedState(), command).message).toBe(
      'port vm1 is bound to cn1; its MAC cannot change',
    );
    expect(portOf(run(seedState(), detach('vm1'), command), 'vm1')?.mac).toBe('fa:16:3e:aa:00:01');
  });
});

describe('nodes', () => {
  it('register with the VTEP of the topology, and are known there', () => {
    expect(refusal(seedState(), register('cn1', '172.16.0.99', 1600)).message).toBe(
      'node cn1 has the VTEP 172.16.0.99, but the topology says 172.16.0.11',
    );
    expect(refusal(seedState(), register('cn9', '172.16.0.11', 1600)).code).toBe('DVR_NOT_FOUND');
  });

  it('with a smaller underlay than declared lower the MTU of networks, unless one has a larger wish', () => {
    const state = run(seedState(), register('cn1', '172.16.0.11', 1500));
    const red = state.intent.networks.get('red');
    expect(red && networkMtu(state.intent, red)).toBe(1450);
    const wished = run(emptyState, apply(seedText.replace('vni: 101,', 'vni: 101, mtu: 1500,')));
    const error = refusal(wished, register('cn1', '172.16.0.11', 1500));
    expect([error.code, error.message]).toEqual([
      'DVR_MTU_TOO_LARGE',
      "network red: MTU 1500 is more than 1450, which is all that node cn1's underlay MTU 1500 leaves after VXLAN's 50",
    ]);
  });

  it('that register anew have applied nothing until they say so', () => {
    const { generation } = seedState().intent;
    const report = { node: 'cn1', generation, ports: [], errors: [] };
    const reported = run(seedState(), { command: 'reportNode', report });
    expect(reported.reports.get('cn1')?.generation).toBe(generation);
    expect(run(reported, register('cn1', '172.16.0.11', 1600)).reports.has('cn1')).toBe(false);
  });

  it('are removed only when no port is bound to them', () => {
    expect(refusal(seedState(), { command: 'removeNode', node: 'cn1' }).message).toBe(
      'node cn1 has ports: vm1, vm4',
    );
    expect(run(seedState(), { command: 'removeNode', node: 'nn1' }).intent.nodes.has('nn1')).toBe(
      false,
    );
  });

  it('that report a port gone have it unbound', () => {
    const state = seedState();
    const report = {
      node: 'cn1',
      generation: state.intent.generation,
      ports: [{ name: 'vm1', state: 'gone' }],
      errors: [],
    } as const;
    const after = run(state, { command: 'reportNode', report });
    expect(portOf(after, 'vm1')?.binding).toBeUndefined();
    expect(portOf(after, 'vm1')?.mac).toBe(portOf(state, 'vm1')?.mac);
  });

  it('that report an attached port gone have it deleted, so that its address is free again', () => {
    const state = run(seedState(), attachCommand('c1', { network: 'red', node: 'cn1' }));
    const report = {
      node: 'cn1',
      generation: state.intent.generation,
      ports: [{ name: 'c1', state: 'gone' }],
      errors: [],
    } as const;
    const after = run(state, { command: 'reportNode', report });
    expect(portOf(after, 'c1')).toBeUndefined();
    const next = run(after, attachCommand('c2', { network: 'red', node: 'cn1' }));
    expect(portOf(next, 'c2')?.ips).toEqual(portOf(state, 'c1')?.ips);
  });

  it("that report late unbind nothing: the port was attached anew since, or is another node's", () => {
    const state = run(seedState(), detach('vm1'), bind('vm1', 'cn1'));
    const gone = (node: string, generation: number): Command => ({
      command: 'reportNode',
      report: { node, generation, ports: [{ name: 'vm1', state: 'gone' }], errors: [] },
    });
    expect(run(state, gone('cn1', state.intent.generation - 1)).intent).toBe(state.intent);
    expect(run(state, gone('cn2', state.intent.generation)).intent).toBe(state.intent);
  });

  it('that report a generation which is still to come here take nothing away', () => {
    const report = {
      node: 'cn1',
      generation: 1_000,
      ports: [{ name: 'vm1', state: 'gone' }],
      errors: [],
    } as const;
    const after = run(seedState(), { command: 'reportNode', report });
    expect(after.reports.get('cn1')?.generation).toBe(1_000);
    expect(portOf(after, 'vm1')?.binding).toBeDefined();
  });

  it('that register with the MTU which was declared, and report what they were told, change nothing that is kept', () => {
    const before = seedState();
    const registered = run(before, register('cn1', '172.16.0.11', 1600));
    expect(registered.intent).toBe(before.intent);
    const report = { node: 'cn1', generation: before.intent.generation, ports: [{ name: 'vm1', state: 'up' }], errors: [] } as const;
    expect(run(registered, { command: 'reportNode', report }).intent).toBe(before.intent);
  });

  it('that come with a view newer than any here have it of a state that was lost: counting goes on from there', () => {
    const before = seedState();
    const state = run(before, { ...register('cn1', '172.16.0.11', 1600), generation: 1_000 });
    expect(state.intent.generation).toBe(1_001);
    const report = { node: 'cn1', generation: 1_000, ports: [{ name: 'vm1', state: 'gone' }], errors: [] } as const;
    expect(portOf(run(state, { command: 'reportNode', report }), 'vm1')?.binding).toBeDefined();
    expect(run(state, { command: 'detachPort', name: 'vm1' }).intent.generation).toBe(1_002);
    const absurd = refusal(before, { ...register('cn1', '172.16.0.11', 1600), generation: 2 ** 60 });
    expect(absurd.message).toContain('generation 1152921504606847000');
  });
});

describe('any commands in any order', () => {
  const nodes = ['cn1', 'cn2', 'nn1', 'cn9'];
  const ports = ['vm1', 'vm2', 'c1', 'c2', 'c3'];
  const networks = ['red', 'green', 'blue'];
  const topologies = [
    seedText,
    seedText.replace('vni: 101, ', ''),
    seedText.replace('routers:\n  r1: { networks: [red, green] }\n', ''),
    seedText.replaceAll(/^ {2}vm[14]:.*\n/gm, ''),
    seedText.replace('ip: 10.1.0.11', 'ip: 10.1.0.2'),
    seedText.replace(/^ {2}nn1:.*\n/m, ''),
  ];
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.constantFrom(...topologies).map(apply),
    fc
      .tuple(fc.constantFrom(...ports), fc.constantFrom(...networks), fc.constantFrom(...nodes))
      .map(([name, network, node]) => attachCommand(name, { network, node })),
    fc.constantFrom(...ports).map((name) => attachCommand(name)),
    fc.constantFrom(...ports).map(detach),
    fc.constantFrom(...ports).map((name): Command => ({ command: 'deletePort', name })),
    fc
      .tuple(fc.constantFrom(...ports), fc.constantFrom(...nodes))
      .map(([name, node]) => bind(name, node)),
    fc
      .tuple(fc.constantFrom(...ports), fc.integer({ min: 0, max: 20 }))
      .map(([name, n]): Command => ({
        command: 'updatePort',
        name,
        changes: { ips: [ip(`10.1.0.${n}`)] },
      })),
    fc.constantFrom(...nodes).map((node): Command => ({ command: 'removeNode', node })),
    fc
      .tuple(
        fc.constantFrom(...nodes),
        fc.constantFrom('172.16.0.11', '172.16.0.12'),
        fc.constantFrom(1400, 1500, 9000),
      )
      .map(([node, vtep, mtu]) => register(node, vtep, mtu)),
    fc
      .tuple(fc.constantFrom(...nodes), fc.nat(20), fc.constantFrom(...ports))
      .map(([node, generation, name]): Command => ({
        command: 'reportNode',
        report: { node, generation, ports: [{ name, state: 'gone' }], errors: [] },
      })),
  );
  const histories = fc.array(command, { maxLength: 25 });

  /** Runs the history as a server would: refused commands are left out. */
  const play = (
    commands: readonly Command[],
    each: (before: ControllerState, after: ControllerState | DvrError) => void = () => {},
  ): ControllerState =>
    commands.reduce(
      (before, next) => {
        const result = step(before, next);
        each(before, result instanceof DvrError ? result : result.state);
        return result instanceof DvrError ? before : result.state;
      },
      run(emptyState, apply(seedText)),
    );

  it('never change the state they were given, and half-change nothing when refused', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let text = '';
        play(history, (before, after) => {
          const now = JSON.stringify(kept(before.intent));
          if (text !== '') expect(now).toBe(text);
          text = after instanceof DvrError ? now : JSON.stringify(kept(after.intent));
        });
      }),
      { numRuns: 40 },
    );
  });

  it('give the same state every time', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(kept(play(history).intent)).toEqual(kept(play(history).intent));
      }),
      { numRuns: 30 },
    );
  });

  it('give nothing to two owners, and name nothing that is gone', () => {
    fc.assert(
      fc.property(histories, (history) => {
        expect(faultsOf(play(history).intent)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });

  it('survive a restart: what is read back is what was held, and goes on the same way', () => {
    fc.assert(
      fc.property(histories, histories, (before, after) => {
        const state = play(before);
        const restarted: ControllerState = {
          ...state,
          intent: restored(state.intent),
        };
        expect(restarted.intent).toEqual(state.intent);
        const finish = (from: ControllerState): unknown =>
          kept(
            after.reduce((held, next) => {
              const result = step(held, next);
              return result instanceof DvrError ? held : result.state;
            }, from).intent,
          );
        expect(finish(restarted)).toEqual(finish(state));
      }),
      { numRuns: 30 },
    );
  });
});
