/** What can be done with any resource: list, show, create, one or several, change, remove. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { singulars, tables, type Plural } from './attributes/tables.js';
import type { AttributeTable } from './attribute.js';
import { parseCreate, parseUpdate } from './body.js';
import type { ApiResource } from './collection.js';
import { addPath, addressOf, found, parameter, write, type ApiContext } from './context.js';
import { notFound } from './faults.js';
import { listed } from './pages.js';
import { fieldsOf, parseQuery, selected } from './query.js';
import type { TaggedPlural, Write } from './writes.js';

type Answer = Readonly<Record<string, unknown>>;

export function addResource(app: FastifyInstance, api: ApiContext, of: TaggedPlural): void {
  const singular = singulars[of];
  const shown = (request: FastifyRequest, id: string): Answer => ({
    [singular]: selected(found(api, of, id), fieldsOf(addressOf(request).searchParams)),
  });
  addPath(app, `/${of}`, {
    GET: (request) => {
      const all = api.collections[of].list(api.controller.state);
      return listAnswer(of, tables[of], all, request, (id) => found(api, of, id));
    },
    POST: async (request, reply) => {
      const { isBulk, items } = parseCreate(of, request.body);
      const made = items.map((values) => ({ id: api.newId(), values }));
      // Values were parsed by the table of the very same resource.
      await write(api, request, { write: 'create', of, items: made } as Write);
      const rows = made.map(({ id }) => found(api, of, id));
      return await reply.code(201).send(isBulk ? { [of]: rows } : { [singular]: rows[0] });
    },
  });
  addPath(app, `/${of}/:id`, {
    GET: (request) => shown(request, parameter(request, 'id')),
    PUT: async (request) => {
      const id = parameter(request, 'id');
      const values = parseUpdate(of, request.body);
      await write(api, request, { write: 'update', of, id, values } as Write);
      return { [singular]: found(api, of, id) };
    },
    DELETE: async (request, reply) => {
      await write(api, request, { write: 'remove', of, id: parameter(request, 'id') });
      return await reply.code(204).send();
    },
  });
}

/** A list as its query asks for it, with the links of its page. */
export function listAnswer(
  name: string,
  table: AttributeTable,
  all: readonly ApiResource[],
  request: FastifyRequest,
  find: (id: string) => ApiResource,
): Answer {
  const at = addressOf(request);
  const query = parseQuery(table, at.searchParams);
  const { rows, links } = listed(all, query, find, at);
  return {
    [name]: rows.map((row) => selected(row, query.fields)),
    ...(links.length === 0 ? {} : { [`${name}_links`]: links }),
  };
}

const below = '/floatingips/:floatingip/port_forwardings';
const of = 'port_forwardings' satisfies Plural;

/** A floating IP's port forwardings: as any resource, but below it. */
export function addPortForwardings(app: FastifyInstance, api: ApiContext): void {
  const all = (request: FastifyRequest): readonly ApiResource[] => {
    const id = parameter(request, 'floatingip');
    const rows = api.collections[of].list(api.controller.state, id);
    if (rows === undefined) throw notFound('floatingip', id);
    return rows;
  };
  const one = (request: FastifyRequest, id: string): ApiResource => {
    const row = all(request).find((candidate) => candidate.id === id);
    if (row === undefined) throw notFound('port_forwarding', id);
    return row;
  };
  const floatingIp = (request: FastifyRequest): { readonly floatingIp: string } => ({
    floatingIp: parameter(request, 'floatingip'),
  });
  addPath(app, below, {
    GET: (request) => listAnswer(of, tables[of], all(request), request, (id) => one(request, id)),
    POST: async (request, reply) => {
      const items = parseCreate(of, request.body).items.map((values) => ({ id: api.newId(), values }));
      await write(api, request, { write: 'create', of, items, ...floatingIp(request) });
      const rows = items.map(({ id }) => one(request, id));
      return await reply.code(201).send({ [singulars[of]]: rows[0] });
    },
  });
  addPath(app, `${below}/:id`, {
    GET: (request) => {
      const fields = fieldsOf(addressOf(request).searchParams);
      return { [singulars[of]]: selected(one(request, parameter(request, 'id')), fields) };
    },
    PUT: async (request) => {
      const id = parameter(request, 'id');
      const values = parseUpdate(of, request.body);
      await write(api, request, { write: 'update', of, id, values, ...floatingIp(request) });
      return { [singulars[of]]: one(request, id) };
    },
    DELETE: async (request, reply) => {
      const id = parameter(request, 'id');
      await write(api, request, { write: 'remove', of, id, ...floatingIp(request) });
      return await reply.code(204).send();
    },
  });
}
