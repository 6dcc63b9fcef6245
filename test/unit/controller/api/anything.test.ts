/**
 * Whatever a client sends, it is done or refused in Neutron's shape: the API is never at a loss, and what it
 * refuses has changed nothing; what it does leaves everything as it must be. Most of what is drawn is likely, for mistakes live where things nearly fit.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeTable } from '../../../../src/controller/api/attribute.js';
import { singulars, tables } from '../../../../src/controller/api/attributes/tables.js';
import { faultsOf } from '../../../../src/controller/invariants.js';
import type { RealApi } from './real-api.js';
import { seedByApi } from './seed.js';

const kRuns = 20;
const kSteps = 30;
const plurals = ['networks', 'subnets', 'ports', 'routers', 'floatingips'] as const;
type Plural = (typeof plurals)[number];
type Ids = Readonly<Record<Plural, readonly string[]>>;

const unknownId = 'c0ffee00-0000-4000-8000-00000000000f';
const boolean = fc.boolean();
const ip = fc.constantFrom('10.1.0.1', '10.1.0.2', '10.1.0.50', '10.1.0.51', '10.2.0.1', '10.2.0.60', '10.3.0.1', '10.3.0.9', '203.0.113.5', '203.0.113.30',
  '203.0.113.150', 'fd00:3::1', 'fd00:3::50');
const cidr = fc.constantFrom('10.1.0.0/24', '10.1.1.0/24', '10.3.0.0/24', '10.3.0.0/30', '10.4.0.0/16', '203.0.113.0/24', '198.51.100.0/24', 'fd00:3::/64', '0.0.0.0/0');
const mac = fc.constantFrom('fa:16:3e:00:00:01', 'fa:16:3e:99:00:01', 'fa:16:3e:99:00:02');
const node = fc.constantFrom('cn1', 'cn2', 'nn1', '', null);

const rubbish = fc.oneof(fc.jsonValue(), fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 2 ** 31, '', '4', 'maybe', '\0', '__proto__', [], {}, '10.1.0.7/24'));

/** Values that fit the attribute, though perhaps not the rest. */
function likely(ids: Ids): Readonly<Record<string, fc.Arbitrary<unknown>>> {
  const one = (of: Plural): fc.Arbitrary<string> => fc.constantFrom(...ids[of], unknownId);
  const fixedIps = fc.array(fc.record({ subnet_id: one('subnets'), ip_address: ip }, { requiredKeys: [] }), { maxLength: 3 });
  const routes = fc.array(fc.record({ destination: cidr, nexthop: ip }), { maxLength: 3 });
  const some = (...words: readonly unknown[]): fc.Arbitrary<unknown> => fc.constantFrom(...words);
  return {
    name: some('', 'web', 'red', 'r1', 'a b'), description: some('', 'x'), admin_state_up: boolean, shared: boolean,
    'router:external': fc.oneof({ arbitrary: fc.constant(false), weight: 3 }, boolean), 'provider:network_type': some('vxlan', 'vlan', 'flat'),
    'provider:physical_network': some('physnet1', 'physnet9', null), 'provider:segmentation_id': some(101, 500, 501, '7', 5000), mtu: some(0, 576, 1280, '1400', 1550, 9000),
    network_id: one('networks'), ip_version: some(4, 4, 4, 6), cidr, gateway_ip: fc.oneof(ip, fc.constant(null)),
    allocation_pools: fc.array(fc.record({ start: ip, end: ip }), { maxLength: 2 }), host_routes: routes, enable_dhcp: boolean,
    ipv6_ra_mode: some('slaac', 'dhcpv6-stateful', null), ipv6_address_mode: some('slaac', 'dhcpv6-stateful', null),
    mac_address: mac, fixed_ips: fixedIps, port_security_enabled: boolean, 'binding:host_id': node, device_id: some('', 'vm'), device_owner: some('', 'compute:nova'),
    allowed_address_pairs: fc.array(fc.record({ ip_address: fc.oneof(ip, cidr), mac_address: mac }, { requiredKeys: ['ip_address'] }), { maxLength: 3 }),
    routes, external_gateway_info: fc.oneof(fc.constantFrom(null, {}), fc.record(
      { network_id: one('networks'), enable_snat: boolean, external_fixed_ips: fixedIps }, { requiredKeys: ['network_id'] })),
    'dvr:snat_path': some('router', 'direct'), 'dvr:routing': some('auto', 'namespace', 'fast'), 'dvr:placement': some('distributed', 'central'),
    floating_network_id: one('networks'), floating_ip_address: ip, subnet_id: one('subnets'), port_id: fc.oneof(one('ports'), fc.constant(null)), fixed_ip_address: ip,
  };
}

type Request = readonly [method: 'POST' | 'PUT' | 'DELETE', path: string, body: unknown];

function request(ids: Ids): fc.Arbitrary<Request> {
  const known = likely(ids);
  const value = (key: string): fc.Arbitrary<unknown> =>
    fc.oneof({ arbitrary: known[key] ?? rubbish, weight: 12 }, { arbitrary: rubbish, weight: 1 });
  const fields = (keys: readonly string[], maxKeys: number): fc.Arbitrary<Readonly<Record<string, unknown>>> =>
    fc.subarray([...keys], { maxLength: Math.min(maxKeys, keys.length) }).chain((chosen) => fc.record(Object.fromEntries(chosen.map((key) => [key, value(key)]))));
  const ofResource = (of: Plural): fc.Arbitrary<Request> => {
    const table: AttributeTable = tables[of];
    const keys = Object.keys(table).filter((key) => known[key] !== undefined);
    const required = keys.filter((key) => table[key]?.post === 'required' || key === 'cidr');
    const body = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof({ arbitrary: arbitrary.map((one) => ({ [singulars[of]]: one })), weight: 15 }, rubbish);
    const needed = fc.record(Object.fromEntries(required.map((key) => [key, value(key)])));
    const made = fc.tuple(needed, fields(keys.filter((key) => table[key]?.post !== 'refused'), 3)).map(([one, more]) => ({ ...one, ...more }));
    const path = fc.constantFrom(...ids[of], unknownId).map((id) => `/${of}/${id}`);
    return fc.oneof(
      fc.tuple(fc.constant('POST' as const), fc.constant(`/${of}`), body(made)),
      fc.tuple(fc.constant('PUT' as const), path, body(fields(keys.filter((key) => table[key]?.put), 2))),
      fc.tuple(fc.constant('DELETE' as const), path, fc.constant(undefined)),
    );
  };
  const action = fc.tuple(
    fc.constant('PUT' as const),
    fc.tuple(fc.constantFrom(...ids.routers, unknownId), fc.constantFrom('add_router_interface', 'remove_router_interface')).map((parts) => `/routers/${parts.join('/')}`),
    fc.oneof(fc.record({ subnet_id: value('subnet_id') }), fc.record({ port_id: value('port_id') }), rubbish),
  );
  const routes = fc.tuple(
    fc.constant('PUT' as const),
    fc.tuple(fc.constantFrom(...ids.routers, unknownId), fc.constantFrom('add_extraroutes', 'remove_extraroutes')).map((parts) => `/routers/${parts.join('/')}`),
    fc.record({ router: fc.record({ routes: value('routes') }) }),
  );
  return fc.oneof({ arbitrary: fc.constantFrom(...plurals).chain(ofResource), weight: 8 }, { arbitrary: action, weight: 2 }, routes);
}

async function idsIn(api: RealApi): Promise<Ids> {
  const lists = await Promise.all(plurals.map(async (of) => [of, (await api.list(of, '?fields=id')).map(({ id }) => id)] as const));
  return Object.fromEntries(lists) as unknown as Ids;
}

describe('the Networking API', () => {
  it('does or refuses whatever is sent, and what it refuses has changed nothing', async () => {
    let done = 0;
    await fc.assert(fc.asyncProperty(fc.gen(), async (gen) => {
      const { api } = await seedByApi();
      for (let step = 0; step < kSteps; step++) {
        const [method, path, body] = gen(request, await idsIn(api));
        const before = api.state;
        const { status, body: answer } = await api.ask(method, path, body);
        const said = `${method} ${path} ${JSON.stringify(body)} -> ${status} ${JSON.stringify(answer)}`;
        if (status < 300) {
          done++;
          expect(faultsOf(api.state.intent), said).toEqual([]);
          continue;
        }
        expect(status, said).toBeGreaterThanOrEqual(400);
        expect(status, said).toBeLessThan(500);
        expect(answer, said).toEqual({ NeutronError: { type: expect.any(String), message: expect.any(String), detail: '' } });
        expect(api.state, said).toBe(before);
      }
    }), { numRuns: kRuns });
    expect(done).toBeGreaterThan(kRuns);
  }, 120_000);
});
