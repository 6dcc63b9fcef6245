/** What its owner has switched off is known nowhere, and is back with all it had. */
import { describe, expect, it } from 'vitest';
import { seedByApi } from './api/seed.js';
import { viewOf } from './external.js';

const off = { admin_state_up: false };
const on = { admin_state_up: true };

describe('admin_state_up', () => {
  it('takes a port out of every view while it is false, and brings it back as it was', async () => {
    const { api, ports: [vm1] } = await seedByApi();
    const before = viewOf(api.state, 'cn2');
    const answer = await api.ask('PUT', `/ports/${vm1?.id ?? ''}`, { port: off });
    expect(answer).toMatchObject({ status: 200, body: { port: { ...off, status: 'DOWN', fixed_ips: vm1?.['fixed_ips'] } } });
    for (const node of ['cn1', 'cn2']) expect(JSON.stringify(viewOf(api.state, node))).not.toContain('"vm1"');
    await api.ask('PUT', `/ports/${vm1?.id ?? ''}`, { port: on });
    expect(viewOf(api.state, 'cn2')).toEqual(before);
  });

  it('takes all ports of a network out of the views', async () => {
    const { api, networks } = await seedByApi();
    const before = viewOf(api.state, 'cn1');
    await api.ask('PUT', `/networks/${networks.red.id}`, { network: off });
    expect(viewOf(api.state, 'cn1').localPorts.map(({ name }) => name)).toEqual(['vm4']);
    await api.ask('PUT', `/networks/${networks.red.id}`, { network: on });
    expect(viewOf(api.state, 'cn1')).toEqual(before);
  });

  it('takes the copies of a router away everywhere, with its way out', async () => {
    const { api, router } = await seedByApi();
    const before = viewOf(api.state, 'nn1');
    await api.ask('PUT', `/routers/${router.id}`, { router: off });
    for (const node of ['cn1', 'cn2', 'nn1', 'nn2']) expect(viewOf(api.state, node).routers).toEqual([]);
    await api.ask('PUT', `/routers/${router.id}`, { router: on });
    expect(viewOf(api.state, 'nn1')).toEqual(before);
  });
});
