import { describe, expect, it } from 'vitest';
import { routerWay } from '../../../src/agents/l3/router-ways.js';

describe('the way of a router', () => {
  it.each([
    ['auto', [], { way: 'fast', why: 'routing is auto and nobody looks or rules inside' }],
    ['auto', ['a packet socket listens on qr-red'], { way: 'namespace', why: 'a packet socket listens on qr-red' }],
    ['auto', ['one', 'two', 'three'], { way: 'namespace', why: 'one, and 2 more' }],
    ['fast', [], { way: 'fast', why: 'routing is fast' }],
    ['fast', ['one'], { way: 'fast', why: 'routing is fast' }],
    ['namespace', [], { way: 'namespace', why: 'routing is namespace' }],
    ['namespace', ['one'], { way: 'namespace', why: 'routing is namespace' }],
  ] as const)('is, with routing %s and reasons %j, %j', (mode, reasons, way) => {
    expect(routerWay(mode, reasons)).toEqual(way);
  });
});
