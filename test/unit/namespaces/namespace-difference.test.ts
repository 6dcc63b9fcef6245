import { describe, expect, it } from 'vitest';
import { namespaceDifferences } from '../../../src/namespaces/namespace-difference.js';
import type { NamespaceFacts } from '../../../src/namespaces/namespace-facts.js';
import { routerNamespace } from '../../../src/namespaces/router-namespace.js';
import { cn1, mac } from '../agents/picture.js';

const router = { ...routerNamespace(cn1.routers[0]!, cn1), routes: [{ destination: '10.9.0.0/16', via: '10.1.0.11' }] };
const nft = 'table ip dvr_fip {\n\tchain guard {\n\t\toifname "rfp-r1" drop\n\t}\n}\n';
const asWanted: NamespaceFacts = {
  devices: router.devices.map(({ name, mac: address, mtuBytes, addresses }) => ({ name, mac: address, mtuBytes, addresses, isUp: true })),
  neighbours: router.neighbours, routes: router.routes, rules: [], nft,
};
const [red, green] = asWanted.devices;
const differences = (change: Partial<NamespaceFacts>, listed: string | undefined = nft): string[] =>
  namespaceDifferences(router, listed, { ...asWanted, ...change }).map(({ where, kind, what }) => {
    expect(where).toBe('qrouter-r1');
    return `${kind} ${what}`;
  });

describe('a namespace held against what it is to be', () => {
  it('differs in nothing as it is to be, whatever devices of others are in it', () => {
    expect(differences({ devices: [...asWanted.devices, { ...red!, name: 'probe0' }] })).toEqual([]);
  });

  it.each<[string, Partial<NamespaceFacts>, string[]]>([
    ['a device that is gone', { devices: [red!] }, ['missing device qr-green']],
    ['a device of ours that nobody wants', { devices: [...asWanted.devices, { ...red!, name: 'qr-blue' }] }, ['surplus device qr-blue']],
    ['a device that is down, with all else of it', { devices: [red!, { ...green!, isUp: false, mtuBytes: 1400, mac: mac.vm1 }] },
      ['missing device qr-green up', `missing device qr-green with MAC ${green!.mac}: it has ${mac.vm1}`,
        `missing device qr-green with MTU ${green!.mtuBytes}: it has 1400`]],
    ['addresses', { devices: [red!, { ...green!, addresses: ['10.2.0.9/24', 'fe80::1/64'] }] },
      ['missing address 10.2.0.1/24 on qr-green', 'surplus address 10.2.0.9/24 on qr-green']],
    ['a neighbour', { neighbours: router.neighbours.filter(({ ip }) => ip !== '10.2.0.12') },
      [`missing neighbour 10.2.0.12 lladdr ${mac.vm2} dev qr-green nud permanent`]],
    ['a route of ours', { routes: [] }, ['missing route 10.9.0.0/16 via 10.1.0.11']],
    ['a route of ours that nobody wants', { routes: [...router.routes, { destination: '10.8.0.0/16', via: '10.1.0.9', device: 'qr-red' }] },
      ['surplus route 10.8.0.0/16 via 10.1.0.9 dev qr-red onlink']],
    ['a rule of ours that nobody wants', { rules: [{ priority: 5, table: 16, from: '10.1.0.0/24' }] },
      ['surplus rule from 10.1.0.0/24 lookup 16 priority 5']],
    ['a rule of nft', { nft: nft.replace('drop', 'accept') }, ['missing nft oifname "rfp-r1" drop', 'surplus nft oifname "rfp-r1" accept']],
  ])('names %s', (_, change, wanted) => { expect(differences(change)).toEqual(wanted); });

  it('says nothing of an nft table while nobody knows how nft lists it', () => {
    expect(namespaceDifferences(router, undefined, { ...asWanted, nft: 'table ip dvr_fip {\n}' })).toEqual([]);
  });
});
