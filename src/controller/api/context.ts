/** What the routes of the Networking API work with, and the way each write goes. */
import type { FastifyInstance, FastifyRequest, RouteHandlerMethod } from 'fastify';
import type { ControllerState } from '../intent.js';
import { MALFORMED } from './answers.js';
import type { ApiResource, Collections } from './collection.js';
import { NeutronFault, notFound } from './faults.js';
import type { ApiCommand, TaggedPlural, Write } from './writes.js';
import { singulars } from './attributes/tables.js';

/** The part of the controller that the API needs. */
export interface Writer {
  readonly state: ControllerState;
  /** @throws DvrError, and then nothing has changed. */
  execute(command: ApiCommand): unknown;
}

export interface ApiContext {
  readonly controller: Writer;
  readonly collections: Collections;
  /** Whether the node's agent is connected. */
  readonly isConnected: (node: string) => boolean;
  readonly now: () => Date;
  readonly newId: () => string;
}

/** Has the controller do what the request asks for. @throws DvrError */
export async function write(api: ApiContext, request: FastifyRequest, what: Write): Promise<void> {
  const at = api.now().toISOString().replace(/\.\d+Z$/, 'Z');
  const ifRevision = revisionOf(request);
  await api.controller.execute({
    command: 'api',
    at,
    ...(ifRevision === undefined ? {} : { ifRevision }),
    ...what,
  });
}

/** `If-Match: revision_number=7`; what is anything else is nothing, as in Neutron. */
function revisionOf({ headers }: FastifyRequest): number | undefined {
  const match = /^"?revision_number=(\d{1,15})"?$/.exec(headers['if-match'] ?? '');
  return match === null ? undefined : Number(match[1]);
}

/** @throws NeutronFault */
export function found(api: ApiContext, of: TaggedPlural, id: string): ApiResource {
  const resource = api.collections[of].find(api.controller.state, id);
  if (resource === undefined) throw notFound(singulars[of], id);
  return resource;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
type Method = (typeof methods)[number];

/** The address with what each method does there; others are no methods of it. */
export function addPath(
  app: FastifyInstance,
  url: string,
  handlers: Readonly<Partial<Record<Method, RouteHandlerMethod>>>,
): void {
  for (const method of methods)
    app.route({ method, url, exposeHeadRoute: false, handler: handlers[method] ?? refuseMethod });
}

const refuseMethod: RouteHandlerMethod = () => {
  throw new NeutronFault('HTTPMethodNotAllowed', MALFORMED);
};

/** The address of the request as the client said it, with its query. */
export function addressOf(request: FastifyRequest): URL {
  return new URL(request.url, `http://${request.host}`);
}

/** A part of the path. */
export function parameter(request: FastifyRequest, name: string): string {
  return (request.params as Readonly<Record<string, string | undefined>>)[name] ?? '';
}
