import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { parseAttachRequest, parseNodeCall, parsePortChanges } from '../../../src/controller/api-input.js';
import { addRoutes } from '../../../src/controller/routes.js';

interface Operation {
  readonly summary: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: { readonly properties?: object } }>> };
}
interface Document { readonly openapi: string; readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

describe('the OpenAPI document', () => {
  const served: string[] = [];
  const app = fastify({ exposeHeadRoutes: false });
  app.addHook('onRoute', ({ method, url }) => { served.push(`${String(method)} ${url}`); });
  // The document asks nothing of the controller.
  addRoutes(app, {} as never, {} as never, {});
  const read = async (): Promise<Document> => (await app.inject('/dvr/v1/openapi.json')).json<Document>();

  it('names every route that is served, and no other', async () => {
    const { openapi, paths } = await read();
    expect(openapi).toBe('3.1.0');
    const named = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`));
    expect(named.sort()).toEqual(served.sort());
    expect(named.length).toBeGreaterThan(10);
  });

  it.each([
    ['post', '/dvr/v1/ports/{name}/attach', (body: unknown) => parseAttachRequest('x', body)],
    ['patch', '/dvr/v1/ports/{name}', parsePortChanges],
    ['post', '/dvr/v1/nodes/{name}/call', parseNodeCall],
  ])('names what is read of the body of %s %s', async (method, path, parse) => {
    const schema = (await read()).paths[path]?.[method]?.requestBody?.content['application/json']?.schema;
    const known = Object.keys(schema?.properties ?? {});
    expect(() => parse({ zzzzzzzzzzzzzzzzzzzz: 1 })).toThrow(`known are ${known.join(', ')}`);
  });
});
