import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badRequests } from './bad-requests.js';
import { MemoryApi } from './memory-api.js';

describe('a request that is wrong in itself', () => {
  const api = new MemoryApi();
  beforeAll(() => api.app.ready());
  afterAll(() => api.app.close());

  it.each(badRequests)('is refused in Neutron\'s words: $why', async ({ method, path, body, headers, status, type, message }) => {
    const response = await api.app.inject({
      method, url: path, headers: headers ?? {},
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    expect(response.headers['content-type']).toMatch(/^application\/json/);
    expect({ status: response.statusCode, ...response.json<object>() }).toEqual({ status, NeutronError: { type, message: message, detail: '' } });
    expect(api.commands).toEqual([]);
  });

  it('has been tried in at least sixty ways', () => {
    expect(badRequests.length).toBeGreaterThanOrEqual(60);
  });
});

