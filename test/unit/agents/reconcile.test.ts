import { describe, expect, it } from 'vitest';
import { desiredOf } from '../../../src/agents/desired.js';
import { plan, type Actual, type Step } from '../../../src/agents/reconcile.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { cn1, ids } from './picture.js';

const desired = desiredOf(cn1, ids, new Map());
const nothing: Actual = { devices: [], namespaces: [], plugs: [], seen: new Set() };
const complete: Actual = {
  devices: desired.devices, namespaces: ['qrouter-r1'], plugs: desired.plugs, seen: new Set(['vm1', 'vm4']),
};
const said = (steps: readonly Step[]): string[] => steps.map((step) => {
  switch (step.step) {
    case 'open': return `open ${step.spec.name}`;
    case 'close': return `close ${step.device}`;
    case 'build': return `build ${step.namespace.name}`;
    case 'plug':
    case 'unplug': return `${step.step} ${step.plug.port}`;
    case 'remove': return `remove ${step.namespace}`;
    case 'rows':
    case 'announce': return step.step;
  }
});
const without = (port: string): NodeView => ({ ...cn1, localPorts: cn1.localPorts.filter(({ name }) => name !== port) });

describe('plan', () => {
  it('opens devices, builds routers, applies rows and plugs ports, in this order, on an empty node', () => {
    expect(said(plan(desired, nothing))).toEqual([
      'open br-int', 'open br-tun', 'open vtep', 'open qr/r1/red', 'open qr/r1/green', 'open vm/vm1', 'open vm/vm4',
      'build qrouter-r1', 'rows', 'announce', 'plug vm1', 'plug vm4',
    ]);
  });

  it('does nothing but check rows and routers where all is as wanted', () => {
    expect(said(plan(desired, complete))).toEqual(['build qrouter-r1', 'rows', 'announce']);
  });

  it('looks at every plug again after a restart of the agent', () => {
    expect(said(plan(desired, { ...complete, seen: new Set() }))).toEqual(['build qrouter-r1', 'rows', 'announce', 'plug vm1', 'plug vm4']);
  });

  it('takes a port away only after the last row that named it', () => {
    expect(said(plan(desiredOf(without('vm4'), ids, new Map()), complete)))
      .toEqual(['build qrouter-r1', 'rows', 'announce', 'close vm/vm4', 'unplug vm4']);
  });

  it('removes the router and its devices after the rows, and no namespace that is not ours', () => {
    const steps = said(plan(desiredOf({ ...cn1, routers: [] }, ids, new Map()), complete));
    expect(steps).toEqual(['rows', 'announce', 'close qr/r1/red', 'close qr/r1/green', 'remove qrouter-r1']);
  });

  it('opens a device anew that is to have a gate, or to have none any more', () => {
    const withGate = { ...desired, devices: desired.devices.map((spec) =>
      (spec.kind === 'tap' && spec.name === 'qr/r1/red' ? { ...spec, gated: true } : spec)) };
    const anew = ['close qr/r1/red', 'open qr/r1/red', 'build qrouter-r1', 'rows', 'announce'];
    expect(said(plan(withGate, complete))).toEqual(anew);
    expect(said(plan(desired, { ...complete, devices: withGate.devices }))).toEqual(anew);
    expect(said(plan(withGate, { ...complete, devices: withGate.devices }))).toEqual(['build qrouter-r1', 'rows', 'announce']);
  });

  it('frees the old place before it plugs a port elsewhere', () => {
    const [vm1, ...others] = cn1.localPorts;
    const moved = { ...cn1, localPorts: [{ ...vm1!, attachment: { netns: '/run/netns/other', ifname: 'eth0' } }, ...others] };
    expect(said(plan(desiredOf(moved, ids, new Map()), complete)))
      .toEqual(['unplug vm1', 'close vm/vm1', 'open vm/vm1', 'build qrouter-r1', 'rows', 'announce', 'plug vm1']);
  });

  it('changes the MTU or an address of a plugged port in place', () => {
    const smaller = { ...cn1, networks: cn1.networks.map((network) => ({ ...network, mtuBytes: 1400 })) };
    expect(said(plan(desiredOf(smaller, ids, new Map()), complete))).toEqual(['build qrouter-r1', 'rows', 'announce', 'plug vm1', 'plug vm4']);
  });
});

describe('desiredOf', () => {
  it('gives a plugged port its address with the subnet\'s length and the subnet\'s gateway', () => {
    expect(desired.plugs[0]?.wish).toEqual({
      netns: '/run/netns/vm1', ifname: 'eth0', device: 'tap16', mac: 'fa:16:3e:00:01:01', mtuBytes: 1500,
      addresses: ['10.1.0.11/24'], gateways: ['10.1.0.1'],
    });
  });

  it('leaves a port alone whose device has gone, until it is attached elsewhere', () => {
    const gone = new Map([['vm1', JSON.stringify(['/run/netns/vm1', 'eth0'])]]);
    expect(desiredOf(cn1, ids, gone).plugs.map(({ port }) => port)).toEqual(['vm4']);
    const elsewhere = new Map([['vm1', JSON.stringify(['/run/netns/old', 'eth0'])]]);
    expect(desiredOf(cn1, ids, elsewhere).plugs).toHaveLength(2);
  });
});
