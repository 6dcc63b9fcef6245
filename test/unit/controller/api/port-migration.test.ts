/** Live migration as Nova asks for it: migrating_to in the binding's profile, then the new host. */
import { describe, expect, it } from 'vitest';
import { viewsOf } from '../../../../src/controller/views.js';
import type { RealApi, Resource } from './real-api.js';
import { seedByApi } from './seed.js';

const portOn = ({ state }: RealApi, node: string, name: string): unknown =>
  viewsOf(state.intent).content.get(node)?.localPorts.find((port) => port.name === name);

async function migrating(profile: unknown): Promise<{ readonly api: RealApi; readonly vm1: Resource; readonly status: number; readonly body: unknown }> {
  const { api } = await seedByApi();
  const [vm1] = await api.list('ports', '?name=vm1');
  if (vm1 === undefined) throw new Error('no vm1');
  const answer = await api.ask('PUT', `/ports/${vm1.id}`, { port: { 'binding:profile': profile } });
  return { api, vm1, ...answer };
}
const update = (api: RealApi, { id }: Resource, fields: object) => api.ask('PUT', `/ports/${id}`, { port: fields });

describe('a client that migrates a port', () => {
  it('prepares the node that the profile names, and sees the port where it was', async () => {
    const { api, vm1 } = await migrating({ migrating_to: 'cn2' });
    expect(portOn(api, 'cn2', 'vm1')).toMatchObject({ incoming: true });
    expect(portOn(api, 'cn1', 'vm1')).toBeDefined();
    expect(await api.show('port', vm1.id)).toMatchObject({ 'binding:host_id': 'cn1', 'binding:profile': { migrating_to: 'cn2' } });
  });

  it('finishes with the new host, whether it clears the profile or not', async () => {
    for (const more of [{}, { 'binding:profile': {} }]) {
      const { api, vm1 } = await migrating({ migrating_to: 'cn2' });
      expect(await update(api, vm1, { 'binding:host_id': 'cn2', ...more })).toMatchObject({ status: 200, body: { port: { 'binding:host_id': 'cn2' } } });
      expect(portOn(api, 'cn2', 'vm1')).not.toHaveProperty('incoming');
      expect(portOn(api, 'cn1', 'vm1')).toBeUndefined();
    }
  });

  it('gives up by clearing the profile', async () => {
    const { api, vm1 } = await migrating({ migrating_to: 'cn2' });
    await update(api, vm1, { 'binding:profile': {} });
    expect(portOn(api, 'cn2', 'vm1')).toBeUndefined();
    expect(await api.show('port', vm1.id)).toMatchObject({ 'binding:host_id': 'cn1' });
  });

  it('changes its mind: another node is prepared instead', async () => {
    const { api, vm1 } = await migrating({ migrating_to: 'cn2' });
    await update(api, vm1, { 'binding:profile': { migrating_to: 'nn1' } });
    expect([portOn(api, 'cn2', 'vm1'), portOn(api, 'nn1', 'vm1')]).toEqual([undefined, expect.objectContaining({ incoming: true })]);
  });

  it.each(['cn9', 7])('is refused a node that there is not: %j', async (migrating_to) => {
    const { api, status, body } = await migrating({ migrating_to });
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('there is no node');
    expect(portOn(api, 'cn2', 'vm1')).toBeUndefined();
  });
});
