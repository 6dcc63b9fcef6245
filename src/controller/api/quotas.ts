/** Quotas as requests say them; what they mean is resources/quotas.ts. */
import type { Intent } from '../intent.js';
import { UNLIMITED, usedBy } from '../resources/quotas.js';
import { unrecognized } from './body.js';
import { NeutronFault } from './faults.js';
import { boolean, integerBetween } from './kinds/plain.js';
import { quotaResources, type QuotaResource, type Quotas } from './writes.js';

const MAX_QUOTA = 2 ** 31 - 1;
const limit = integerBetween(UNLIMITED, MAX_QUOTA);

/** What a PUT says, over what there was. @throws NeutronFault */
export function parseQuotas(
  fields: Readonly<Record<string, unknown>>,
  intent: Intent,
  project: string,
): Quotas {
  const { check_limit: check = false, force = false, tenant_id: _, project_id: __, ...limits } = fields;
  const unknown = Object.keys(limits).filter((key) => !isQuotaResource(key));
  if (unknown.length > 0) throw unrecognized(unknown);
  const said: Quotas = Object.fromEntries(
    Object.entries(limits).map(([key, value]) => [key, limit.parse(value, key)]),
  );
  boolean.parse(force, 'force');
  if (boolean.parse(check, 'check_limit')) refuseBelowUse(said, intent, project);
  return { ...intent.quotas.get(project), ...said };
}

function refuseBelowUse(said: Quotas, intent: Intent, project: string): void {
  const below = quotaResources.filter((resource) => {
    const wanted = said[resource] ?? UNLIMITED;
    return wanted !== UNLIMITED && wanted < usedBy(intent, project, resource);
  });
  if (below.length > 0)
    throw new NeutronFault(
      'BadRequest',
      `Change would make usage less than 0 for the following resources: ['${below.join("', '")}']`,
    );
}

function isQuotaResource(word: string): word is QuotaResource {
  return (quotaResources as readonly string[]).includes(word);
}
