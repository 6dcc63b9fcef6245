import { describe, expect, it } from 'vitest';
import { emptyState } from '../../../../src/controller/intent.js';
import { badRequests } from './bad-requests.js';
import { RealApi } from './real-api.js';

describe('a request that is wrong in itself', () => {
  const api = new RealApi(emptyState);

  it.each(badRequests)('is refused in Neutron\'s words: $why', async ({ method, path, body, headers, status, type, message }) => {
    const response = await api.inject({
      method, url: path, headers: headers ?? {},
      ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    expect(response.headers['content-type']).toMatch(/^application\/json/);
    expect({ status: response.statusCode, ...response.json<object>() }).toEqual({ status, NeutronError: { type, message, detail: '' } });
    expect(api.commands).toEqual([]);
    expect(api.state).toBe(emptyState);
  });

  it('has been tried in at least sixty ways', () => {
    expect(badRequests.length).toBeGreaterThanOrEqual(60);
  });
});
