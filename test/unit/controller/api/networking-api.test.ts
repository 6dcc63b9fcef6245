import { beforeEach, describe, expect, it } from 'vitest';
import { parseUpdate } from '../../../../src/controller/api/body.js';
import { emptyState } from '../../../../src/controller/intent.js';
import { apply } from '../support.js';
import { RealApi } from './real-api.js';

type Item = Readonly<Record<string, unknown>> & Readonly<Record<'id' | 'name' | 'alias' | 'collection' | 'type', string>>;
type Items = 'networks' | 'ports' | 'resources' | 'extensions' | 'availability_zones' | 'projects';
/** What is looked into; all else is compared whole. */
type Body = Readonly<Record<'network' | 'port' | 'subnet' | 'extension' | 'version' | 'NeutronError' | 'network_ip_availability', Item>>
  & Readonly<Record<Items, readonly Item[]>> & { readonly networks_links: readonly { readonly href: string }[] };
interface Answer { readonly status: number; readonly body: Body }

const machines = `
underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
nodes:
  cn1: { vtep: 172.16.0.11 }
  nn1: { vtep: 172.16.0.21, network_node: true }
`;

describe('the Networking API', () => {
  let api: RealApi;
  beforeEach(() => {
    api = new RealApi(emptyState);
    api.run(apply(machines));
  });

  const ask = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: unknown, headers = {}): Promise<Answer> => {
    const said = body === undefined ? {} : { payload: JSON.stringify(body) };
    const response = await api.inject({ method, url, headers, ...said });
    return { status: response.statusCode, body: (response.body === '' ? undefined : response.json()) as Body };
  };
  const network = async (fields: object = {}): Promise<{ id: string }> => (await ask('POST', '/v2.0/networks', { network: fields })).body.network;

  it('says where it is, as clients without Keystone ask', async () => {
    const version = { id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: 'http://127.0.0.1:9696/v2.0/' }] };
    expect((await ask('GET', '/')).body).toEqual({ versions: [version] });
    for (const path of ['/v2.0', '/v2.0/']) {
      const { body } = await ask('GET', path);
      expect(body.version).toEqual(version);
      expect(body.resources.map(({ collection }) => collection)).toEqual(['networks', 'subnets', 'ports', 'routers', 'floatingips']);
    }
  });

  it('takes numbers and booleans as the openstack command writes them, and fills in defaults', async () => {
    const { status, body } = await ask('POST', '/v2.0/networks', { network: {
      name: 'net1', admin_state_up: true, 'provider:network_type': 'vxlan', 'provider:segmentation_id': '1001', mtu: '1400', shared: 'False', tenant_id: 'mine',
    } });
    expect(status).toBe(201);
    expect(body.network).toMatchObject({ name: 'net1', 'provider:segmentation_id': 1001, mtu: 1400, shared: false, project_id: 'mine', description: '', port_security_enabled: true });
    expect(api.commands[0]).toMatchObject({ command: 'api', at: '2026-11-22T05:00:06Z', write: 'create', of: 'networks' });
  });

  it('writes addresses in one way only', async () => {
    const { id } = await network();
    await ask('POST', '/v2.0/subnets', { subnet: { network_id: id, ip_version: '6', cidr: '2001:DB8:0::/64' } });
    const { body } = await ask('POST', '/v2.0/ports', { port: {
      network_id: id.toUpperCase(), mac_address: 'FA-16-3E-00-00-01', fixed_ips: [{ ip_address: '2001:DB8::0:1' }], allowed_address_pairs: [{ ip_address: '10.0.0.0/24' }],
    } });
    expect(body.port).toMatchObject({ network_id: id, mac_address: 'fa:16:3e:00:00:01', fixed_ips: [{ ip_address: '2001:db8::1' }] });
  });

  it('shows, changes and removes what it made', async () => {
    const { id } = await network({ name: 'net1' });
    expect((await ask('GET', `/v2.0/networks/${id}`)).body.network.name).toBe('net1');
    expect((await ask('GET', `/v2.0/networks/${id}?fields=name`)).body).toEqual({ network: { name: 'net1' } });
    expect(await ask('PUT', `/v2.0/networks/${id}`, { network: { name: 'net2' } })).toMatchObject({ status: 200, body: { network: { name: 'net2' } } });
    expect((await ask('GET', '/v2.0/networks?name=net2&fields=id')).body).toEqual({ networks: [{ id }] });
    expect(await ask('DELETE', `/v2.0/networks/${id}`)).toEqual({ status: 204, body: undefined });
    expect((await ask('GET', `/v2.0/networks/${id}`)).status).toBe(404);
  });

  it('makes several at once, as one command', async () => {
    const { id } = await network();
    const { status, body } = await ask('POST', '/v2.0/ports', { ports: [{ network_id: id, name: 'a' }, { network_id: id, name: 'b' }] });
    expect(status).toBe(201);
    expect(body.ports.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(api.commands).toHaveLength(2);
  });

  it('takes a slash or .json at the end of any path, and whatever type a body is said to have', async () => {
    const { id } = await network();
    for (const path of ['/v2.0/networks/', '/v2.0/networks.json', '/v2.0/networks.json?fields=id'])
      expect((await ask('GET', path)).body.networks[0]?.id).toBe(id);
    expect((await ask('GET', `/v2.0/networks/${id}.json`)).status).toBe(200);
    expect((await ask('PUT', `/v2.0/networks/${id}/`, { network: {} }, { 'content-type': 'text/html; charset=latin1' })).status).toBe(200);
  });

  it('takes a floating IP with nothing said of it for one that shall lead nowhere, and a description alone for that', async () => {
    const [empty, described] = [{}, { description: 'x' }].map((fields) => parseUpdate('floatingips', { floatingip: fields }));
    expect([empty, described]).toEqual([{ port_id: null }, { description: 'x' }]);
  });

  it('hands on the revision that a client thinks it changes, and nothing that is none', async () => {
    const { id } = await network();
    await ask('PUT', `/v2.0/networks/${id}`, { network: { name: 'x' } }, { 'if-match': 'revision_number=7' });
    await ask('PUT', `/v2.0/networks/${id}`, { network: { name: 'y' } }, { 'if-match': 'wombat' });
    expect(api.commands.slice(1).map(({ ifRevision }) => ifRevision)).toEqual([7, undefined]);
  });

  it('lists in pages whose links keep the rest of the query', async () => {
    await network({ name: 'a' });
    await network({ name: 'b' });
    const { body } = await ask('GET', '/v2.0/networks.json?limit=1&fields=name&sort_key=name&sort_dir=asc');
    expect(body.networks).toEqual([{ name: 'a' }]);
    expect(body.networks_links[0]).toEqual({ rel: 'next', href: expect.stringMatching(/^http:\/\/127\.0\.0\.1:9696\/v2\.0\/networks\?limit=1&fields=name.*marker=/) });
    const next = await ask('GET', (body.networks_links[0]?.href ?? '').slice('http://127.0.0.1:9696'.length));
    expect(next.body.networks).toEqual([{ name: 'b' }]);
  });

  it('keeps tags, all at once and one by one, with the codes that clients insist on', async () => {
    const { id } = await network();
    const tags = `/v2.0/networks/${id}/tags`;
    expect(await ask('PUT', tags, { tags: ['red', 'a b'] })).toEqual({ status: 200, body: { tags: ['red', 'a b'] } });
    expect(await ask('PUT', `${tags}/blue`)).toEqual({ status: 201, body: null });
    expect((await ask('GET', `${tags}/blue`)).status).toBe(204);
    expect((await ask('DELETE', `${tags}/a%20b`)).status).toBe(204);
    expect((await ask('GET', tags)).body).toEqual({ tags: ['red', 'blue'] });
    expect(await ask('GET', `${tags}/a%20b`)).toMatchObject({ status: 404, body: { NeutronError: { type: 'TagNotFound', message: 'Tag a b could not be found.' } } });
    expect((await ask('DELETE', tags)).status).toBe(204);
    expect((await ask('GET', tags)).body).toEqual({ tags: [] });
  });

  it.each([
    [{ tags: 'x' }, "'x' is not a list"],
    [{ tags: ['x', 'x'] }, "Duplicate items in the list: 'x'"],
    [{ tags: ['t'.repeat(256)] }, `'${'t'.repeat(256)}' exceeds maximum length of 255`],
    [{ tags: [1] }, "'1' is not a valid string"],
    [{ tags: Array.from({ length: 65 }, (_, at) => `t${at}`) }, '65 tags are asked for; a resource has at most 64'],
  ])('refuses tags %j', async (body, reason) => {
    const { id } = await network();
    expect((await ask('PUT', `/v2.0/networks/${id}/tags`, body)).body.NeutronError).toMatchObject({ type: 'InvalidInput', message: `Invalid input for operation: ${reason}.` });
    expect(api.commands).toHaveLength(1);
  });

  it('counts the addresses of networks to the last one', async () => {
    const { id } = await network({ name: 'net1' });
    const subnet = async (cidr: string, start: string, end: string, version: number): Promise<string> => (await ask('POST', '/v2.0/subnets', {
      subnet: { network_id: id, ip_version: version, cidr, allocation_pools: [{ start, end }] },
    })).body.subnet.id;
    const v4 = await subnet('10.0.0.0/24', '10.0.0.2', '10.0.0.254', 4);
    await subnet('2001:db8::/48', '2001:db8::2', '2001:db8:0:ffff:ffff:ffff:ffff:ffff', 6);
    await ask('POST', '/v2.0/ports', { port: { network_id: id, fixed_ips: [{ subnet_id: v4, ip_address: '10.0.0.7' }] } });
    const raw = await api.inject({ method: 'GET', url: '/v2.0/network-ip-availabilities' });
    expect(raw.body).toContain(`"total_ips":${253n + (1n << 80n) - 2n},"used_ips":1`);
    const { body } = await ask('GET', `/v2.0/network-ip-availabilities/${id}?ip_version=4`);
    expect(body.network_ip_availability).toMatchObject({ network_name: 'net1', total_ips: 253, used_ips: 1, subnet_ip_availability: [{ subnet_id: v4, total_ips: 253, used_ips: 1 }] });
  });

  it('answers with empty lists for what is not there, and with the one zone', async () => {
    for (const list of ['service-providers', 'subnetpools', 'address-scopes', 'rbac-policies'])
      expect((await ask('GET', `/v2.0/${list}`)).body).toEqual({ [list.replace('-', '_')]: [] });
    expect((await ask('GET', '/v2.0/availability_zones')).body.availability_zones).toHaveLength(2);
  });

  it('says which extensions are there, and no more', async () => {
    const { body } = await ask('GET', '/v2.0/extensions');
    const aliases = body.extensions.map(({ alias }) => alias);
    expect(aliases).toContain('router');
    for (const absent of ['security-group', 'external-gateway-multihoming', 'tag-ports-during-bulk-creation', 'dns-integration', 'l3-ha', 'qos'])
      expect(aliases).not.toContain(absent);
    expect((await ask('GET', '/v2.0/extensions/router')).body.extension.alias).toBe('router');
    expect((await ask('GET', '/v2.0/extensions/Availability%20Zone')).status).toBe(404);
  });

  it('has an identity service that says of itself that it authenticates nobody', async () => {
    const about = await ask('GET', '/identity');
    expect(about).toMatchObject({ status: 300, body: { versions: { values: [{ id: 'v3.14', note: expect.stringContaining('authenticates nobody') }] } } });
    const token = await api.inject({ method: 'POST', url: '/identity/v3/auth/tokens', payload: '{"auth":{}}' });
    expect(token.statusCode).toBe(201);
    expect(token.headers['x-subject-token']).toBeDefined();
    const { catalog } = token.json<{ token: { catalog: readonly { type: string; endpoints: readonly { url: string }[] }[] } }>().token;
    expect(catalog.find(({ type }) => type === 'network')?.endpoints[0]?.url).toBe('http://127.0.0.1:9696');
    expect((await ask('GET', '/identity/v3/projects?name=admin')).body.projects).toHaveLength(1);
    expect((await ask('GET', '/identity/v3/projects/nobody')).status).toBe(404);
  });

  it('says in Neutron\'s shape that it is broken itself, and the reason to its log alone', async () => {
    api.state = undefined as never;
    expect(await ask('GET', '/v2.0/networks')).toEqual({ status: 500, body: { NeutronError: {
      type: 'HTTPInternalServerError', message: 'Request Failed: internal server error while processing your request.', detail: '',
    } } });
    expect(api.warnings).toHaveLength(1);
  });
});
