import { describe, expect, it } from 'vitest';
import { differenceOf as difference, holds, translationsIn, type NamespaceFacts } from '../../../src/namespaces/namespace-facts.js';
import { routerNamespace } from '../../../src/namespaces/router-namespace.js';
import { cn1, mac } from '../agents/picture.js';

const router = { ...routerNamespace(cn1.routers[0]!, cn1), routes: [{ destination: '10.9.0.0/16', via: '10.1.0.11' }] };
const asBuilt: NamespaceFacts = {
  devices: router.devices.map(({ name, mac: address, mtuBytes, addresses }) => ({ name, mac: address, mtuBytes, addresses, isUp: true })),
  neighbours: router.neighbours,
  routes: router.routes, rules: [], nft: 'table',
};
const differenceOf = (facts: NamespaceFacts) => difference(router, 'table', facts);
const [red, green] = asBuilt.devices;

describe('a router namespace held against what was built', () => {
  it('is as it was built, also where IPv6 has a link-local address', () => {
    expect(differenceOf(asBuilt)).toBeUndefined();
    expect(differenceOf({ ...asBuilt, devices: [{ ...red!, addresses: [...red!.addresses, 'fe80::1/64'] }, green!] })).toBeUndefined();
  });

  it.each<[string, Partial<NamespaceFacts>]>([
    ['qr-green is not there', { devices: [red!] }],
    ['qr-green is down', { devices: [red!, { ...green!, isUp: false }] }],
    ['qr-green has another MAC', { devices: [red!, { ...green!, mac: mac.vm1 }] }],
    ['qr-green has another MTU', { devices: [red!, { ...green!, mtuBytes: 1400 }] }],
    ['qr-green has not 10.2.0.1/24', { devices: [red!, { ...green!, addresses: [] }] }],
    ['it has other neighbours', { neighbours: router.neighbours.slice(1) }],
    ['it has other routes', { routes: [] }],
    ['it has other rules', { rules: [{ priority: 50_000, table: 16, from: '10.1.0.0/24' }] }],
    ['its nft table is another', { nft: '' }],
  ])('says that %s', (words, change) => { expect(differenceOf({ ...asBuilt, ...change })).toBe(words); });
});

describe('what a namespace tells of addresses', () => {
  it('names the floating IPs that its table translates', () => {
    const listing = 'table ip dvr_fip {\n\tmap fixed_of {\n\t\ttype ipv4_addr : ipv4_addr\n\t\telements = { 203.0.113.101 : 10.1.0.11,\n\t\t\t     203.0.113.102 : 10.1.0.12 }\n\t}\n\n\tmap fip_of {\n\t\telements = { 10.1.0.11 : 203.0.113.101 }\n\t}\n}';
    expect(translationsIn(listing)).toEqual([{ ip: '203.0.113.101', fixedIp: '10.1.0.11' }, { ip: '203.0.113.102', fixedIp: '10.1.0.12' }]);
    expect(translationsIn('')).toEqual([]);
  });

  it('names the ports that its table forwards', () => {
    const listing = 'table ip dvr_snat {\n\tmap forwarded {\n\t\ttype ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service\n\t\telements = { 203.0.113.20 . udp . 53 : 10.1.0.13 . 5353,\n\t\t\t     203.0.113.20 . tcp . 8080 : 10.1.0.13 . 80 }\n\t}\n}';
    const at = { ip: '203.0.113.20', fixedIp: '10.1.0.13' };
    expect(translationsIn(listing)).toEqual([
      { ...at, forwarded: { protocol: 'udp', externalPort: 53, internalPort: 5353 } },
      { ...at, forwarded: { protocol: 'tcp', externalPort: 8080, internalPort: 80 } },
    ]);
  });

  it('is at home with those of its devices, and with those that it has a route to for them alone', () => {
    const there = { devices: asBuilt.devices, routes: [{ destination: '203.0.113.101/32', device: 'fpr-r1' }] };
    expect(['10.1.0.1', '203.0.113.101', '10.1.0.11', '203.0.113.10'].map((ip) => holds(there, ip))).toEqual([true, true, false, false]);
  });
});
