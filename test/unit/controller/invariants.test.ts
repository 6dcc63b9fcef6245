/** What holds of every intent: each fault is found, and no random history of commands and API calls has one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Intent } from '../../../src/controller/intent.js';
import { faultsOf } from '../../../src/controller/invariants.js';
import type { Command } from '../../../src/controller/state.js';
import { DvrError } from '../../../src/model/errors.js';
import { RealApi, type Resource } from './api/real-api.js';
import { seedByApi } from './api/seed.js';
import { externalState, externalText } from './external.js';
import { apply, attachCommand, bind } from './support.js';
import { histories, play } from './view-changes.js';

const { intent } = externalState();

/** The intent with one entry of a map changed, however wrong. */
const broken = (map: 'nodes' | 'networks' | 'externalNetworks' | 'routers' | 'ports' | 'gateways' | 'records' | 'fgPorts' | 'dvrMacs', key: string, change: unknown): Intent => {
  const changed = new Map<string, unknown>(intent[map]);
  if (change === undefined) changed.delete(key);
  else changed.set(key, typeof change === 'string' ? change : { ...(changed.get(key) as object), ...(change as object) });
  return { ...intent, [map]: changed };
};

it('are all kept in a state that is whole', () => {
  expect(faultsOf(intent)).toEqual([]);
  expect(intent.gateways.size + intent.fgPorts.size + intent.floatingIps.size).toBeGreaterThan(4);
});

it.each<[string, Intent, string]>([
  ['a network is gone', broken('networks', 'red', undefined), 'port vm1 names network red, which does not exist'],
  ['a node is gone', broken('nodes', 'cn1', undefined), 'port vm1 names node cn1, which does not exist'],
  ['an external network is gone', broken('externalNetworks', 'ext', undefined), 'router r1 names external network ext, which does not exist'],
  ['a router is gone', broken('routers', 'r1', undefined), 'the gateway of r1 names router r1, which does not exist'],
  ['a gateway was not settled', broken('gateways', 'r1', undefined), 'router r1 has not the gateway that it asks for'],
  ['an interface is gone', broken('routers', 'r1', { interfaces: [] }), 'router r1 has an sg- port in green, and no interface there'],
  ['a DVR MAC was given to another', broken('dvrMacs', 'cn1', 'fa:16:3f:00:00:77'), 'node cn1 has a DVR MAC that is not kept for it'],
  ['a VNI is used twice', broken('networks', 'green', { vni: 101 }), 'VNI 101 has two owners, network red and network green'],
  ['a VTEP is used twice', broken('nodes', 'cn1', { vtepIp: '172.16.0.12' }), 'VTEP 172.16.0.12 has two owners, cn1 and cn2'],
  ['a MAC is used twice', broken('ports', 'vm2', { mac: intent.ports.get('vm1')?.mac }), `MAC ${intent.ports.get('vm1')?.mac} has two owners, port vm1 and port vm2`],
  ['an address is used twice', broken('ports', 'vm3', { ips: ['10.1.0.11'] }), '10.1.0.11 in red has two owners, port vm1 and port vm3'],
  ['an address is a router\'s', broken('ports', 'vm3', { ips: ['10.1.0.1'] }), '10.1.0.1 in red has two owners, port vm3 and router r1'],
  ['an address is outside', broken('ports', 'vm3', { ips: ['10.9.0.1'] }), 'port vm3 has 10.9.0.1, which is in no subnet of red'],
  ['an outside address is used twice', broken('gateways', 'r1', { addresses: ['203.0.113.101/24'] }),
    '203.0.113.101 in ext has two owners, qg/r1 and floating IP 203.0.113.101'],
  ['a record is gone', broken('records', 'port vm1', undefined), 'port vm1 has no record'],
  ['a record is of nothing', broken('records', 'port vm9', { id: 'x', kind: 'port', key: 'vm9' }), 'port vm9 is recorded, and gone'],
  ['a UUID is used twice', broken('records', 'port vm2', { id: intent.records.get('port vm1')?.id }),
    `UUID ${intent.records.get('port vm1')?.id} has two owners, port vm1 and port vm2`],
])('are broken where %s', (_what, wrong, fault) => {
  expect(faultsOf(wrong)).toContain(fault);
});

describe('are kept', () => {
  it('by whatever is declared, bound, attached and taken away', () => {
    let looked = 0;
    fc.assert(fc.property(histories, (history) => {
      play(history, (_before, after) => {
        expect(faultsOf(after.intent)).toEqual([]);
        looked += after.intent.ports.size;
      });
    }), { numRuns: 80 });
    expect(looked).toBeGreaterThan(500);
  }, 60_000);

  it('by whatever clients ask for, beside a topology file and agents', async () => {
    let done = 0;
    const pick = fc.nat(1_000);
    const call = fc.tuple(fc.constantFrom(...Object.keys(calls) as (keyof typeof calls)[]), pick, pick);
    await fc.assert(fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 25 }), async (all) => {
      const { api } = await seedByApi();
      for (const [name, first, second] of all) {
        if (await calls[name](api, first, second)) done++;
        expect(faultsOf(api.state.intent), `after ${name}`).toEqual([]);
      }
    }), { numRuns: 25 });
    // Were all refused, nothing would have been looked at.
    expect(done).toBeGreaterThan(100);
  }, 120_000);
});

/** Calls of clients and others, made of what there is; whether it was done. */
const calls = {
  makeNetwork: (api: RealApi, n: number) => asked(api, 'POST', '/networks', { network: { name: `n${n % 5}` } }),
  makeSubnet: (api: RealApi, n: number, m: number) => withOne(api, 'networks', n, ({ id }) =>
    asked(api, 'POST', '/subnets', { subnet: { network_id: id, ip_version: 4, cidr: `10.${m % 4}.0.0/28` } })),
  makePort: (api: RealApi, n: number, m: number) => withOne(api, 'networks', n, ({ id }) =>
    asked(api, 'POST', '/ports', { port: { name: `p${m % 9}`, network_id: id, 'binding:host_id': m % 2 === 0 ? 'cn1' : '' } })),
  makeRouter: (api: RealApi, n: number, m: number) => withOne(api, 'networks', m, ({ id }) =>
    asked(api, 'POST', '/routers', { router: { name: `r${n % 3}`, ...(n % 2 === 0 ? {} : { external_gateway_info: { network_id: id } }) } })),
  join: (api: RealApi, n: number, m: number) => withOne(api, 'routers', n, (router) => withOne(api, 'subnets', m, ({ id }) =>
    asked(api, 'PUT', `/routers/${router.id}/${m % 3 === 0 ? 'remove' : 'add'}_router_interface`, { subnet_id: id }))),
  setGateway: (api: RealApi, n: number, m: number) => withOne(api, 'routers', n, (router) => withOne(api, 'networks', m, ({ id }) =>
    asked(api, 'PUT', `/routers/${router.id}`, { router: { external_gateway_info: m % 2 === 0 ? {} : { network_id: id } } }))),
  makeFloatingIp: (api: RealApi, n: number, m: number) => withOne(api, 'ports', n, (port) => withOne(api, 'networks', m, ({ id }) =>
    asked(api, 'POST', '/floatingips', { floatingip: { floating_network_id: id, ...(n % 2 === 0 ? {} : { port_id: port.id }) } }))),
  remove: (api: RealApi, n: number, m: number) => {
    const plural = (['networks', 'subnets', 'ports', 'routers', 'floatingips'] as const)[n % 5] ?? 'ports';
    return withOne(api, plural, m, ({ id }) => asked(api, 'DELETE', `/${plural}/${id}`));
  },
  apply: (api: RealApi, n: number) => ran(api, apply(n % 2 === 0 ? externalText : externalText.replace(/ {2}203\.0\.113\.102.*\n/, ''))),
  bind: (api: RealApi, n: number, m: number) => ran(api, bind(`vm${(n % 4) + 1}`, `cn${(m % 2) + 1}`)),
  attach: (api: RealApi, n: number, m: number) => ran(api, attachCommand(`c${n % 4}`, { network: m % 2 === 0 ? 'red' : 'green', node: 'cn2' })),
  detach: (api: RealApi, n: number) => ran(api, { command: 'detachPort', name: `c${n % 4}` }),
} as const;

async function asked(api: RealApi, method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<boolean> {
  const { status } = await api.ask(method, path, body);
  expect(status).not.toBe(500);
  return status < 300;
}

async function withOne(api: RealApi, plural: string, n: number, then: (one: Resource) => Promise<boolean>): Promise<boolean> {
  const all = await api.list(plural);
  const one = all[n % Math.max(all.length, 1)];
  return one !== undefined && await then(one);
}

async function ran(api: RealApi, command: Command): Promise<boolean> {
  try {
    api.run(command);
    return await Promise.resolve(true);
  } catch (error) {
    if (error instanceof DvrError) return false;
    throw error;
  }
}
