/**
 * The intent without what its owners have switched off (admin_state_up): a port that is off, or whose network is,
 * is known nowhere, as if it were bound to no node; a router that is off has a copy nowhere, and no way out.
 */
import { remembered } from '../model/remembered.js';
import type { Intent } from './intent.js';
import { keptMapOf } from './sharing.js';

/** Intents never change, so what was derived from one stays right. The intent itself where nothing is off. */
export const switchedOn = remembered((intent: Intent): Intent => {
  const networks = namesOff(intent.networks);
  const routers = namesOff(intent.routers);
  const ports = namesOff(intent.ports);
  if (networks.size + routers.size + ports.size === 0) return intent;
  return {
    ...intent,
    ports: keptMapOf(intent.ports, ({ name, network }) => !ports.has(name) && !networks.has(network)),
    routers: keptMapOf(intent.routers, ({ id }) => !routers.has(id)),
    gateways: keptMapOf(intent.gateways, ({ router }) => !routers.has(router)),
  };
});

/** Whether the port is known nowhere for that reason. */
export const isSwitchedOff = (intent: Intent, port: string): boolean =>
  intent.ports.has(port) && !switchedOn(intent).ports.has(port);

type Switched = ReadonlyMap<string, { readonly adminDown?: true }>;

const namesOff = remembered((things: Switched): ReadonlySet<string> => {
  const off = new Set<string>();
  for (const [name, { adminDown }] of things) if (adminDown === true) off.add(name);
  return off;
});
