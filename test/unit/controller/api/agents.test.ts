import { beforeEach, describe, expect, it } from 'vitest';
import type { RealApi, Resource } from './real-api.js';
import { seedByApi } from './seed.js';

describe('agents', () => {
  let api: RealApi;
  let router: Resource;
  beforeEach(async () => { ({ api, router } = await seedByApi()); });

  const agent = async (host: string, type = 'L3 agent'): Promise<Resource> => {
    const [found] = await api.list('agents', `?host=${host}&agent_type=${encodeURIComponent(type)}`);
    if (found === undefined) throw new Error(`no ${type} on ${host}`);
    return found;
  };
  const snatHosts = async (): Promise<unknown[]> =>
    ((await api.ask('GET', `/routers/${router.id}/l3-agents`)).body['agents'] as Resource[]).map(({ host }) => host);
  const refused = async (...asked: Parameters<RealApi['ask']>): Promise<unknown> => {
    const before = api.state;
    const { status, body } = await api.ask(...asked);
    expect(api.state).toBe(before);
    return `${status} ${(body['NeutronError'] as { type: string }).type}`;
  };

  it('are two a node, alive while it is connected, with times as clients parse them', async () => {
    expect(await api.list('agents')).toHaveLength(8);
    expect(await agent('nn1')).toMatchObject({ alive: true, configurations: { agent_mode: 'dvr_snat' } });
    expect(await agent('cn1')).toMatchObject({ configurations: { agent_mode: 'dvr' }, heartbeat_timestamp: '2026-11-22 05:00:06' });
    expect(await api.list('agents', '?alive=false')).toEqual([]);
  });

  it('are nobody\'s to change', async () => {
    const { id } = await agent('cn1');
    expect(await refused('PUT', `/agents/${id}`, { agent: { host: 'x' } })).toBe('400 HTTPBadRequest');
    expect(await refused('PUT', `/agents/${id}`, { agent: { wombat: 1 } })).toBe('400 HTTPBadRequest');
    expect(await refused('GET', '/agents/nobody')).toBe('404 AgentNotFound');
    expect((await api.ask('PUT', `/agents/${id}`, { agent: {} })).status).toBe(200);
  });

  it('have the routers that have a copy on their node', async () => {
    const routersOn = async (host: string): Promise<unknown[]> =>
      ((await api.ask('GET', `/agents/${(await agent(host)).id}/l3-routers`)).body['routers'] as Resource[]).map(({ name }) => name);
    expect(await routersOn('cn1')).toEqual(['r1']);
    expect((await api.ask('GET', `/agents/${(await agent('cn1', 'Open vSwitch agent')).id}/l3-routers`)).body).toEqual({ routers: [] });
  });

  it('are given a router, whose source NAT moves there, and give it up again', async () => {
    expect(await snatHosts()).toEqual(['nn1']);
    const [nn1, nn2] = [await agent('nn1'), await agent('nn2')];
    expect(await api.ask('POST', `/agents/${nn2.id}/l3-routers`, { router_id: router.id })).toMatchObject({ status: 201 });
    expect(await snatHosts()).toEqual(['nn2']);
    expect(await refused('DELETE', `/agents/${nn1.id}/l3-routers/${router.id}`)).toBe('409 RouterNotHostedByL3Agent');
    expect((await api.ask('DELETE', `/agents/${nn2.id}/l3-routers/${router.id}`, { router_id: router.id })).status).toBe(204);
    expect(await snatHosts()).toEqual(['nn1']);
  });

  it('are given only what they can do', async () => {
    const [cn1, l2] = [await agent('cn1'), await agent('nn1', 'Open vSwitch agent')];
    const nn1 = await agent('nn1');
    const gatewayless = await api.make('router', { name: 'r2' });
    const give = (to: Resource, id: unknown): Promise<unknown> => refused('POST', `/agents/${to.id}/l3-routers`, { router_id: id });
    expect(await give(cn1, router.id)).toBe('409 DVRL3CannotAssignToDvrAgent');
    expect(await give(l2, router.id)).toBe('404 InvalidL3Agent');
    expect(await give(nn1, gatewayless.id)).toBe('409 Conflict');
    expect(await give(nn1, 'x')).toBe('400 HTTPBadRequest');
    expect(await give(nn1, 'c0ffee00-0000-4000-8000-00000000000f')).toBe('404 RouterNotFound');
  });
});

describe('quotas', () => {
  const project = 'p1';

  it('are counted and kept to, a project for itself, and set back', async () => {
    const { api } = await seedByApi();
    const quota = async (path = ''): Promise<unknown> => (await api.ask('GET', `/quotas/${project}${path}`)).body['quota'];
    const make = (): Promise<{ status: number; body: unknown }> => api.ask('POST', '/networks', { network: { project_id: project } });
    expect(await quota()).toEqual({ network: -1, subnet: -1, port: -1, router: -1, floatingip: -1 });
    expect(await api.ask('PUT', `/quotas/${project}`, { quota: { network: '1', check_limit: true } })).toMatchObject({ status: 200, body: { quota: { network: 1 } } });
    expect((await make()).status).toBe(201);
    expect(await make()).toMatchObject({ status: 409, body: { NeutronError: { type: 'OverQuota', message: "Quota exceeded for resources: ['network']." } } });
    await api.make('network', { name: 'of somebody else' });
    expect(await quota('/details.json')).toMatchObject({ network: { limit: 1, used: 1, reserved: 0 }, port: { limit: -1, used: 0 } });
    expect((await api.ask('GET', '/quotas')).body).toMatchObject({ quotas: [{ project_id: project, network: 1 }] });
    expect(await api.ask('PUT', `/quotas/${project}`, { quota: { network: 0, check_limit: true } })).toMatchObject({ status: 400 });
    expect((await api.ask('DELETE', `/quotas/${project}`)).status).toBe(204);
    expect(await quota()).toMatchObject({ network: -1 });
    expect((await make()).status).toBe(201);
  });

  it.each([
    [{ router: -2 }, "Invalid input for router. Reason: '-2' is too small - must be at least '-1'."],
    [{ wombat: 1 }, "Unrecognized attribute(s) 'wombat'"],
    [{ router: 'x' }, "Invalid input for operation: 'x' is not an integer."],
  ])('refuse %j', async (quota, message) => {
    const { api } = await seedByApi();
    const before = api.state;
    expect((await api.ask('PUT', `/quotas/${project}`, { quota })).body).toMatchObject({ NeutronError: { message } });
    expect(api.state).toBe(before);
  });
});
