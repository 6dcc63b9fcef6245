import { describe, expect, it } from 'vitest';
import { differenceOf, type RouterFacts } from '../../../src/namespaces/router-facts.js';
import { routerNamespace } from '../../../src/namespaces/router-namespace.js';
import { cn1, mac } from '../agents/picture.js';

const router = { ...routerNamespace(cn1.routers[0]!, cn1), routes: [{ destination: '10.9.0.0/16', via: '10.1.0.11' }] };
const asBuilt: RouterFacts = {
  devices: router.devices.map(({ name, mac: address, mtuBytes, addresses }) => ({ name, mac: address, mtuBytes, addresses, isUp: true })),
  neighbours: router.neighbours,
  routes: router.routes,
};
const [red, green] = asBuilt.devices;

describe('a router namespace held against what was built', () => {
  it('is as it was built, also where IPv6 has a link-local address', () => {
    expect(differenceOf(router, asBuilt)).toBeUndefined();
    expect(differenceOf(router, { ...asBuilt, devices: [{ ...red!, addresses: [...red!.addresses, 'fe80::1/64'] }, green!] })).toBeUndefined();
  });

  it.each<[string, Partial<RouterFacts>]>([
    ['qr-green is not there', { devices: [red!] }],
    ['qr-green is down', { devices: [red!, { ...green!, isUp: false }] }],
    ['qr-green has another MAC', { devices: [red!, { ...green!, mac: mac.vm1 }] }],
    ['qr-green has another MTU', { devices: [red!, { ...green!, mtuBytes: 1400 }] }],
    ['qr-green has not 10.2.0.1/24', { devices: [red!, { ...green!, addresses: [] }] }],
    ['it has other neighbours', { neighbours: router.neighbours.slice(1) }],
    ['it has other routes', { routes: [] }],
  ])('says that %s', (words, change) => { expect(differenceOf(router, { ...asBuilt, ...change })).toBe(words); });
});
