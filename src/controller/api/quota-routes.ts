/** Quotas of projects: shown, set, and set back. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { emptyIntent } from '../intent.js';
import { quotasOf, usedBy } from '../resources/quotas.js';
import { wrapped } from './body.js';
import { addPath, parameter, write, type ApiContext } from './context.js';
import { parseQuotas } from './quotas.js';
import { quotaResources } from './writes.js';

export function addQuotas(app: FastifyInstance, api: ApiContext): void {
  const intentNow = (): ApiContext['controller']['state']['intent'] => api.controller.state.intent;
  const projectOf = (request: FastifyRequest): string => parameter(request, 'project');
  addPath(app, '/quotas', {
    GET: () => ({
      quotas: [...intentNow().quotas.keys()].map((project) => ({
        tenant_id: project,
        project_id: project,
        ...quotasOf(intentNow(), project),
      })),
    }),
  });
  addPath(app, '/quotas/:project', {
    GET: (request) => ({ quota: quotasOf(intentNow(), projectOf(request)) }),
    PUT: async (request) => {
      const project = projectOf(request);
      const quotas = parseQuotas(wrapped('quota', request.body), intentNow(), project);
      await write(api, request, { write: 'setQuotas', project, quotas });
      return { quota: quotasOf(intentNow(), project) };
    },
    DELETE: async (request, reply) => {
      await write(api, request, { write: 'setQuotas', project: projectOf(request), quotas: undefined });
      return await reply.code(204).send();
    },
  });
  addPath(app, '/quotas/:project/default', { GET: (request) => ({ quota: quotasOf(emptyIntent, projectOf(request)) }) });
  addPath(app, '/quotas/:project/details', {
    GET: (request) => {
      const [intent, project] = [intentNow(), projectOf(request)];
      const limits = quotasOf(intent, project);
      const details = quotaResources.map((resource) => [
        resource,
        { limit: limits[resource], used: usedBy(intent, project, resource), reserved: 0 },
      ]);
      return { quota: Object.fromEntries(details) as Readonly<Record<string, unknown>> };
    },
  });
}
