/** What the Networking API writes, done: one write in, the next intent out, or the fault it is refused with. */
import { singulars, type Create, type Plural, type Update } from '../api/attributes/tables.js';
import { NeutronFault } from '../api/faults.js';
import type { Stamp, Write } from '../api/writes.js';
import { withEntry, withoutEntry, type Intent } from '../intent.js';
import { withRecord, type ResourceRecord } from '../records.js';
import { floatingIpChanges } from './floating-ips.js';
import { networkChanges } from './networks.js';
import { requireRecord } from './places.js';
import { createForwarding, removeForwarding, updateForwarding } from './port-forwardings.js';
import { portChanges } from './ports.js';
import { requireRoom } from './quotas.js';
import type { Changes } from './resource.js';
import { addInterface, removeInterface } from './router-interfaces.js';
import { routerChanges, routerOfRecord, routesOf } from './routers.js';
import { leaveSnat, placeSnat } from './snat-placement.js';
import { subnetChanges } from './subnets.js';

type Own = Exclude<Plural, 'port_forwardings'>;

const changes: { readonly [Of in Own]: Changes<Of> } = {
  networks: networkChanges,
  subnets: subnetChanges,
  ports: portChanges,
  routers: routerChanges,
  floatingips: floatingIpChanges,
};

/** @throws DvrError NeutronFault and what allocators throw; then nothing has changed. */
export function write(intent: Intent, wish: Write & Stamp): Intent {
  switch (wish.write) {
    case 'create':
      return wish.of === 'port_forwardings'
        ? wish.items.reduce(
            (next, { id, values }) => createForwarding(next, wish.floatingIp, values, { id, at: wish.at }),
            intent,
          )
        : create(intent, wish.of, wish.items, wish.at);
    case 'update':
      return wish.of === 'port_forwardings'
        ? updateForwarding(intent, wish.floatingIp, wish.id, wish.values, wish.at)
        : update(intent, wish.of, recordFor(intent, wish, wish.of, wish.id), wish.values, wish.at);
    case 'remove':
      return wish.of === 'port_forwardings'
        ? removeForwarding(intent, wish.floatingIp, wish.id)
        : changes[wish.of].remove(intent, recordFor(intent, wish, wish.of, wish.id), wish.at);
    case 'addInterface':
      return addInterface(
        intent,
        recordFor(intent, wish, 'routers', wish.router),
        wish.target,
        wish.newId,
        wish.at,
      );
    case 'removeInterface':
      return removeInterface(intent, recordFor(intent, wish, 'routers', wish.router), wish.target);
    case 'addRoutes':
    case 'removeRoutes':
      return changeRoutes(intent, recordFor(intent, wish, 'routers', wish.router), wish);
    case 'placeSnat':
      return placeSnat(intent, recordFor(intent, wish, 'routers', wish.router), wish.node);
    case 'leaveSnat':
      return leaveSnat(intent, recordFor(intent, wish, 'routers', wish.router), wish.node);
    case 'setTags': {
      const record = recordFor(intent, wish, wish.of, wish.id);
      return withRecord(intent, record, { tags: wish.tags }, wish.at);
    }
    case 'addTag':
    case 'removeTag': {
      const record = recordFor(intent, wish, wish.of, wish.id);
      const others = record.tags.filter((tag) => tag !== wish.tag);
      return withRecord(
        intent,
        record,
        { tags: wish.write === 'addTag' ? [...others, wish.tag] : others },
        wish.at,
      );
    }
    case 'setQuotas': {
      const { project, quotas } = wish;
      return {
        ...intent,
        quotas:
          quotas === undefined
            ? withoutEntry(intent.quotas, project)
            : withEntry(intent.quotas, project, quotas),
      };
    }
  }
}

/** The table of changes is as wide as the union of values, which the compiler cannot follow: one place says so. */
function create<Of extends Own>(
  intent: Intent,
  of: Of,
  items: readonly { readonly id: string; readonly values: unknown }[],
  at: string,
): Intent {
  const own: Changes<Of> = changes[of];
  return items.reduce((next, { id, values }) => {
    const wish = values as Create<Of>;
    requireRoom(next, of, (values as Create<'networks'>).project_id);
    return own.create(next, wish, { id, at });
  }, intent);
}

function update<Of extends Own>(
  intent: Intent,
  of: Of,
  record: ResourceRecord,
  values: unknown,
  at: string,
): Intent {
  const own: Changes<Of> = changes[of];
  return own.update(intent, record, values as Update<Of>, at);
}

/** @throws NeutronFault where it is not there, or is of another revision than the client thinks. */
function recordFor(intent: Intent, { ifRevision }: Stamp, of: Own, id: string): ResourceRecord {
  const record = requireRecord(intent, singulars[of], id);
  if (ifRevision !== undefined && ifRevision !== record.revision)
    throw new NeutronFault(
      'RevisionNumberConstraintFailed',
      `Constrained to ${ifRevision}, but current revision is ${record.revision}`,
    );
  return record;
}

function changeRoutes(
  intent: Intent,
  record: ResourceRecord,
  wish: Extract<Write, { readonly write: 'addRoutes' | 'removeRoutes' }>,
): Intent {
  const router = routerOfRecord(intent, record);
  const isAsked = (destination: string, via: string): boolean =>
    wish.routes.some((one) => one.destination === destination && one.nexthop === via);
  const left = router.routes.filter(({ destination, via }) => !isAsked(destination, via));
  const added = wish.write === 'addRoutes' ? routesOf(intent, router, wish.routes) : [];
  return {
    ...intent,
    routers: withEntry(intent.routers, router.id, { ...router, routes: [...left, ...added] }),
  };
}
