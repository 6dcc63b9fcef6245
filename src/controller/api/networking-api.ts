/**
 * The Networking API, /v2.0/…: what OpenStack's clients speak. Its routes parse a request, have the
 * controller decide the command that it is, and show what came of it; nothing on these paths is ever
 * answered but in Neutron's shape.
 */
import type { FastifyInstance } from 'fastify';
import type { Log } from '../log.js';
import { addAgents } from './agent-routes.js';
import { faultOf, MALFORMED } from './answers.js';
import { jsonOf } from './body.js';
import type { ApiContext } from './context.js';
import { addVersions } from './discovery.js';
import { addExtensions } from './extensions.js';
import { NeutronFault } from './faults.js';
import { addIdentity } from './identity.js';
import { addIpAvailability } from './ip-availability.js';
import { MAX_BODY_BYTES } from './limits.js';
import { addQuotas } from './quota-routes.js';
import { addPortForwardings, addResource } from './resource-routes.js';
import { addRouterActions } from './router-routes.js';
import { addTags } from './tag-routes.js';
import { addZonesAndEmptyLists } from './zone-routes.js';
import type { TaggedPlural } from './writes.js';

const resources: readonly TaggedPlural[] = ['networks', 'subnets', 'ports', 'routers', 'floatingips'];

/** Adds the API, and the identity service beside it, to a server. */
export function addNetworkingApi(app: FastifyInstance, api: ApiContext, log: Log): void {
  void app.register((scope, _options, done) => {
    speakAsNeutron(scope, log);
    addVersions(scope);
    addIdentity(scope, api.now);
    done();
  });
  void app.register(
    (scope, _options, done) => {
      speakAsNeutron(scope, log);
      scope.setNotFoundHandler(() => {
        throw new NeutronFault('HTTPNotFound', 'The resource could not be found.');
      });
      for (const of of resources) {
        addResource(scope, api, of);
        addTags(scope, api, of);
      }
      addPortForwardings(scope, api);
      addRouterActions(scope, api);
      addAgents(scope, api);
      addQuotas(scope, api);
      addExtensions(scope);
      addIpAvailability(scope, api);
      addZonesAndEmptyLists(scope, api);
      done();
    },
    { prefix: '/v2.0' },
  );
}

/** Bodies are JSON whatever their type is said to be, answers are JSON or refused, faults are Neutron's. */
function speakAsNeutron(scope: FastifyInstance, log: Log): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(
    '*',
    { parseAs: 'string', bodyLimit: MAX_BODY_BYTES },
    (_request, body, done) => {
      try {
        done(null, jsonOf(body.toString()));
      } catch (error) {
        done(error as Error);
      }
    },
  );
  scope.addHook('onRequest', (request, _reply, done) => {
    const isTaken = takesJson(request.headers.accept);
    done(isTaken ? undefined : new NeutronFault('HTTPNotAcceptable', MALFORMED));
  });
  scope.setErrorHandler(async (error, { method, url }, reply) => {
    const fault = faultOf(error);
    if (fault.status >= 500) log.warn({ method, url, error }, 'request failed');
    return await reply.code(fault.status).type('application/json').send(fault.toBody());
  });
}

function takesJson(accept: string | undefined): boolean {
  if (accept === undefined || accept === '') return true;
  return accept
    .split(',')
    .map((range) => range.split(';')[0]?.trim().toLowerCase())
    .some((range) => range === '*/*' || range === 'application/*' || range === 'application/json');
}

/** Clients of Neutron may write a slash or `.json` at the end of any path. */
export function withoutSuffix(url: string): string {
  const [path = '', ...query] = url.split('?');
  if (!/^\/(v2\.0|identity)(\/|$)/.test(path)) return url;
  const plain = path.replace(/\/$/, '').replace(/\.json$/, '');
  return [plain, ...query].join('?');
}
