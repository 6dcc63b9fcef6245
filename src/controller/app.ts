/**
 * The controller's APIs as one server, whichever door it is opened by: /dvr/v1/… for what Neutron has no word
 * for, which tells faults as RFC 9457 problems, and the Networking API, which tells them as Neutron does.
 */
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { DvrError } from '../model/errors.js';
import type { Metrics } from '../model/metrics.js';
import { faultOf } from './api/answers.js';
import { MAX_PARAMETER_LENGTH } from './api/limits.js';
import { addNetworkingApi, withoutSuffix } from './api/networking-api.js';
import type { AgentStream } from './agent-stream.js';
import type { Controller } from './controller.js';
import { addFreshReads } from './fresh-reads.js';
import type { Log } from './log.js';
import { addMetricsRoute } from './metrics.js';
import { collections } from './resources/collections.js';
import { addRoutes, type Waits } from './routes.js';

export interface AppOptions extends Waits {
  readonly controller: Controller;
  readonly log: Log;
  readonly metrics?: Metrics;
}

export function makeApp(options: AppOptions, agents: AgentStream): FastifyInstance {
  const { controller, log } = options;
  const app = fastify({
    forceCloseConnections: true,
    rewriteUrl: ({ url = '/' }) => withoutSuffix(url),
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    // A path that cannot be read has no route, and so nobody else to answer it.
    frameworkErrors: (error, { url }, reply: FastifyReply) => {
      void (url.startsWith('/v2.0')
        ? reply.code(400).send(faultOf(error).toBody())
        : sendProblem(reply, problemOf(error)));
    },
  });
  app.setErrorHandler(async (error, { method, url }, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && !(error instanceof DvrError))
      log.warn({ method, url, error }, 'request failed');
    return await sendProblem(reply, problem);
  });
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new DvrError(
      'DVR_NOT_FOUND',
      `there is no ${method} ${url}`,
      'the APIs are under /dvr/v1/ and /v2.0/',
    );
  });
  addFreshReads(app, controller);
  if (options.metrics !== undefined) addMetricsRoute(app, options.metrics);
  addRoutes(app, controller, agents, options);
  const api = {
    controller,
    collections,
    isConnected: agents.isConnected,
    now: () => new Date(),
    newId: randomUUID,
  };
  addNetworkingApi(app, api, log);
  return app;
}

type Problem = Omit<ReturnType<DvrError['toProblem']>, 'code'> & { readonly code: string };

const sendProblem = (reply: FastifyReply, problem: Problem): FastifyReply =>
  reply.code(problem.status).type('application/problem+json').send(problem);

function problemOf(error: unknown): Problem {
  if (error instanceof DvrError) return error.toProblem();
  const { statusCode, message } = error as FastifyError;
  if (statusCode !== undefined && statusCode < 500) {
    return {
      ...new DvrError('DVR_USAGE', message, 'see the API under /dvr/v1/').toProblem(),
      status: statusCode,
    };
  }
  return {
    type: 'about:blank',
    title: 'internal error',
    status: 500,
    detail: message,
    code: 'internal',
    hint: 'this is a mistake of dvr; its log says more',
  };
}
