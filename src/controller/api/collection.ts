/**
 * Where HTTP and meaning meet. HTTP parses requests into commands (writes.ts), filters, sorts and pages;
 * what a resource is, and what a command does to it, is said by collections, which know nothing of HTTP.
 *
 * A write goes the controller's way: `await controller.execute({ command: 'api', ...write, at })`; it is
 * refused with a NeutronFault, or any DvrError (faults.ts says what clients see of it). What was written is
 * then found by its id.
 */
import type { ControllerState } from '../intent.js';
import type { Json } from './attribute.js';
import type { Plural, tables } from './attributes/tables.js';

/** A resource as it is shown: every visible attribute of its table, of exactly the type that Neutron gives it. */
export type ApiResource = { readonly id: string } & Readonly<Record<string, Json>>;

/** The resource with each of the visible attributes, so that none is forgotten. */
export type Shown<Of extends Plural> = { readonly id: string } & {
  readonly [Key in keyof (typeof tables)[Of] as (typeof tables)[Of][Key] extends { readonly visible: false }
    ? never
    : Key]: Json;
};

/** One kind of resource, as the state has it now. */
export interface Collection {
  /** In any order. */
  list(state: ControllerState): readonly ApiResource[];
  find(state: ControllerState, id: string): ApiResource | undefined;
}

/** A floating IP's port forwardings. */
export interface ForwardingCollection {
  list(state: ControllerState, floatingIp: string): readonly ApiResource[] | undefined;
}

/** All of them, and what a router's interface actions answer with: made in resources/, given to the plugin. */
export interface Collections {
  readonly networks: Collection;
  readonly subnets: Collection;
  readonly ports: Collection;
  readonly routers: Collection;
  readonly floatingips: Collection;
  readonly port_forwardings: ForwardingCollection;
}
