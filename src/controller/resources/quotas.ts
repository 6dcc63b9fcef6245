/** How many of each resource a project may have. */
import { remembered } from '../../model/remembered.js';
import { singulars, type Plural } from '../api/attributes/tables.js';
import { NeutronFault } from '../api/faults.js';
import { quotaResources, type QuotaResource, type Quotas } from '../api/writes.js';
import type { Intent } from '../intent.js';

/** As many as it likes: the limits of the deployment hold for all projects together (model/limits.ts). */
export const UNLIMITED = -1;

/** @throws NeutronFault OverQuota */
export function requireRoom(intent: Intent, of: Plural, project: string): void {
  const resource = quotaResources.find((one) => one === singulars[of]);
  const limit = resource === undefined ? UNLIMITED : quotasOf(intent, project)[resource];
  if (resource === undefined || limit < 0 || usedBy(intent, project, resource) < limit) return;
  throw new NeutronFault('OverQuota', `Quota exceeded for resources: ['${resource}'].`);
}

export function quotasOf({ quotas }: Intent, project: string): Readonly<Record<QuotaResource, number>> {
  const own: Quotas = quotas.get(project) ?? {};
  return {
    network: UNLIMITED,
    subnet: UNLIMITED,
    port: UNLIMITED,
    router: UNLIMITED,
    floatingip: UNLIMITED,
    ...own,
  };
}

/** What routers and gateways made for themselves is nobody's. */
export function usedBy(intent: Intent, project: string, resource: QuotaResource): number {
  return counts(intent.records).get(`${resource} ${project}`) ?? 0;
}

const counts = remembered((records: Intent['records']): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  for (const { kind, projectId } of records.values())
    found.set(`${kind} ${projectId}`, (found.get(`${kind} ${projectId}`) ?? 0) + 1);
  return found;
});
