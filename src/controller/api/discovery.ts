/** Where clients begin: which versions there are, and what lies below the one. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { singulars } from './attributes/tables.js';

/** One document that satisfies every client: real Neutron has no `version` in it. */
export function addVersions(app: FastifyInstance): void {
  app.get('/', (request) => ({ versions: [versionOf(request)] }));
  app.get('/v2.0', (request) => ({
    version: versionOf(request),
    resources: Object.entries(singulars)
      .filter(([plural]) => plural !== 'port_forwardings')
      .map(([collection, name]) => ({
        name,
        collection,
        links: [{ rel: 'self', href: `${rootOf(request)}/v2.0/${collection}` }],
      })),
  }));
}

function versionOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  const links = [{ rel: 'self', href: `${rootOf(request)}/v2.0/` }];
  return { id: 'v2.0', status: 'CURRENT', links };
}

/** What the client calls this server. */
export const rootOf = (request: FastifyRequest): string => `http://${request.host}`;
