import { describe, expect, it } from 'vitest';
import { parseControllerMessage } from '../../../src/agents/controller-messages.js';
import { cn1, green } from './picture.js';

const parse = (message: unknown): unknown => parseControllerMessage(Buffer.from(JSON.stringify(message)));

describe('a frame of the controller', () => {
  it('is taken where it is a view, what changes in one, or a call', () => {
    const call = { type: 'call', id: 1, method: 'ids', params: {} };
    expect(parse({ type: 'view', view: cn1 })).toEqual({ type: 'view', view: cn1 });
    const delta = {
      from: 7, to: 8, peers: { gone: ['node cn2'] }, networks: { put: [{ at: 0, one: green }] }, rest: { node: cn1.node },
      changedNetworks: [{ name: 'red', ports: { put: [{ at: 1, one: cn1.networks[0]?.ports[0] }] }, floodVteps: { gone: ['172.16.0.12'] } }],
    };
    expect(parse({ type: 'delta', delta })).toEqual({ type: 'delta', delta });
    expect(parse(call)).toEqual(call);
  });

  it.each<[string, unknown]>([
    ['no object', 7],
    ['an unknown type', { type: 'hello' }],
    ['a call without parameters', { type: 'call', id: 1, method: 'ids' }],
    ['a view that is none', { type: 'view', view: null }],
    ['a generation that is no whole number', { type: 'view', view: { ...cn1, generation: '7' } }],
    ['no node', { type: 'view', view: { ...cn1, node: undefined } }],
    ['a DVR MAC that is none', { type: 'view', view: { ...cn1, node: { ...cn1.node, dvrMac: 7 } } }],
    ['no peers', { type: 'view', view: { ...cn1, peers: undefined } }],
    ['a network without ports', { type: 'view', view: { ...cn1, networks: [{ ...green, ports: null }] } }],
    ['a router without interfaces', { type: 'view', view: { ...cn1, routers: [{ id: 'r1', routes: [] }] } }],
    ['a port without a name', { type: 'view', view: { ...cn1, localPorts: [{ network: 'red', portSecurity: true }] } }],
    ['an external network without subnets', { type: 'view', view: { ...cn1, externalNetworks: [{ name: 'ext', mtuBytes: 1500 }] } }],
    ['a change of no view', { type: 'delta', delta: { to: 8 } }],
    ['a change that is no list', { type: 'delta', delta: { from: 7, to: 8, peers: { gone: 'cn2' } } }],
    ['a change without a place', { type: 'delta', delta: { from: 7, to: 8, networks: { put: [{ one: green }] } } }],
    ['a change to a port that is none', {
      type: 'delta', delta: { from: 7, to: 8, changedNetworks: [{ name: 'red', ports: { put: [{ at: 0, one: { name: 'vm1' } }] } }] },
    }],
    ['a network that is half of one', { type: 'delta', delta: { from: 7, to: 8, networks: { put: [{ at: 0, one: { name: 'red' } }] } } }],
    ['another node than one', { type: 'delta', delta: { from: 7, to: 8, rest: { node: {} } } }],
  ])('is none of ours with %s', (_, message) => { expect(parse(message)).toBeUndefined(); });

  it('is none of ours where it is no JSON', () => {
    expect(parseControllerMessage(Buffer.from('{"type":"vi'))).toBeUndefined();
  });
});
