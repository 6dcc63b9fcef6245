/**
 * What the Networking API asks of the controller, as commands: plain parsed data, with the time and the new
 * ids in them, so that a command means the same however often and on whatever state it is decided.
 */
import type { Create, Plural, Update } from './attributes/tables.js';
import type { RouteValue } from './values.js';

/** What every write carries. */
export interface Stamp {
  /** When it was asked for: RFC 3339, whole seconds, UTC. */
  readonly at: string;
  /** If-Match: refused with RevisionNumberConstraintFailed where the resource has another one. */
  readonly ifRevision?: number;
}

/** Port forwardings are made, changed and removed below their floating IP. */
interface Below {
  readonly floatingIp: string;
}
type BelowOf<Of extends Plural> = Of extends 'port_forwardings' ? Below : unknown;

type CreateOf<Of extends Plural> = Of extends Plural
  ? {
      readonly write: 'create';
      readonly of: Of;
      /** One, or several where the resource has bulk: all are made, or none. Ids are new UUIDs. */
      readonly items: readonly { readonly id: string; readonly values: Create<Of> }[];
    } & BelowOf<Of>
  : never;

type UpdateOf<Of extends Plural> = Of extends Plural
  ? {
      readonly write: 'update';
      readonly of: Of;
      readonly id: string;
      readonly values: Update<Of>;
    } & BelowOf<Of>
  : never;

type RemoveOf<Of extends Plural> = Of extends Plural
  ? { readonly write: 'remove'; readonly of: Of; readonly id: string } & BelowOf<Of>
  : never;

/** By subnet or by port, exactly one of the two. */
export type InterfaceTarget = { readonly subnetId: string } | { readonly portId: string };

export type Write =
  | CreateOf<Plural>
  | UpdateOf<Plural>
  | RemoveOf<Plural>
  /** `newId` is the id of the port that is made where the target is a subnet. */
  | {
      readonly write: 'addInterface';
      readonly router: string;
      readonly target: InterfaceTarget;
      readonly newId: string;
    }
  | { readonly write: 'removeInterface'; readonly router: string; readonly target: InterfaceTarget }
  /** Routes that are there already, or not there, are passed over. */
  | {
      readonly write: 'addRoutes' | 'removeRoutes';
      readonly router: string;
      readonly routes: readonly RouteValue[];
    }
  /** The node that shall do the router's source NAT; or one that shall not, and another takes it. */
  | { readonly write: 'placeSnat' | 'leaveSnat'; readonly router: string; readonly node: string }
  | {
      readonly write: 'setTags';
      readonly of: TaggedPlural;
      readonly id: string;
      readonly tags: readonly string[];
    }
  /** One tag more or less; it may be there, or gone, already. */
  | {
      readonly write: 'addTag' | 'removeTag';
      readonly of: TaggedPlural;
      readonly id: string;
      readonly tag: string;
    }
  /** undefined: back to the default. */
  | { readonly write: 'setQuotas'; readonly project: string; readonly quotas: Quotas | undefined };

export type TaggedPlural = Exclude<Plural, 'port_forwardings'>;

/** How many a project may have of each; -1: as many as it likes. */
export type Quotas = Readonly<Partial<Record<QuotaResource, number>>>;
export const quotaResources = ['network', 'subnet', 'port', 'router', 'floatingip'] as const;
export type QuotaResource = (typeof quotaResources)[number];

/** The member of the controller's Command union. */
export type ApiCommand = { readonly command: 'api' } & Stamp & Write;
