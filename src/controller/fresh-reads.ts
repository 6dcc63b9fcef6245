/**
 * Whoever asks one controller is shown all that any controller has answered to. What this controller and its
 * agents are doing is told without that, also while the store cannot be reached.
 */
import type { FastifyInstance } from 'fastify';
import type { Controller } from './controller.js';

/** Told of what is known here. */
const ownAffairs = /^\/(metrics|dvr\/v1\/status|dvr\/v1\/nodes)\b/;

/** @throws DvrError DVR_STORE_UNREACHABLE, to whoever asks */
export function addFreshReads(app: FastifyInstance, controller: Controller): void {
  app.addHook('onRequest', async ({ url }) => {
    if (!ownAffairs.test(url)) await controller.fresh();
  });
}
