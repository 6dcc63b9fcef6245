/**
 * Messages of the controller, looked at before they are believed: one of another version may send others,
 * and what the agent's programs would trip over must end the connection, not the agent.
 *
 * What is looked at is the shape: that everything the programs walk over is there. What an address or a
 * MAC says is looked at where it becomes a row, one by one.
 */
import type { ControllerMessage } from '../model/node-call.js';
import { isRecord, recordOf } from '../model/untrusted.js';

type Shape = 'string' | 'number' | 'boolean' | { readonly [field: string]: Shape } | readonly [Shape];

/** The required fields of src/model/node-view.ts; `[shape]` is a list of such. */
const viewShape = {
  generation: 'number',
  node: { name: 'string', vtepIp: 'string', dvrMac: 'string' },
  peers: [{ name: 'string', vtepIp: 'string', interop: 'boolean' }],
  networks: [{
    name: 'string', vni: 'number', mtuBytes: 'number',
    subnets: [{ cidr: 'string' }],
    ports: [{
      name: 'string', mac: 'string', ips: ['string'],
      allowedAddressPairs: [{ ip: 'string', mac: 'string' }],
    }],
    routerInterfaces: [{ routerId: 'string', mac: 'string', addresses: ['string'] }],
    floodVteps: ['string'],
  }],
  routers: [{
    id: 'string',
    interfaces: [{ network: 'string', mac: 'string', addresses: ['string'] }],
    routes: [{ destination: 'string', via: 'string' }],
    routing: 'string',
  }],
  localPorts: [{ name: 'string', network: 'string', portSecurity: 'boolean' }],
} as const satisfies Shape;

/** Undefined where it is no message of ours. */
export function parseControllerMessage(data: Buffer): ControllerMessage | undefined {
  const message = recordOf(data);
  if (message === undefined) return undefined;
  if (messageChecks[String(message['type'])]?.(message) !== true) return undefined;
  // The shape has just been looked at, which the compiler cannot follow.
  return message as unknown as ControllerMessage;
}

/** A shape made into a question, once: a view has tens of thousands of places to ask it at. */
type Check = (value: unknown) => boolean;

function checkOf(shape: Shape): Check {
  if (typeof shape === 'string') return (value) => typeof value === shape;
  if (isList(shape)) {
    const check = checkOf(shape[0]);
    return (value) => Array.isArray(value) && value.every(check);
  }
  const fields = Object.entries(shape).map(([field, inner]) => ({ field, check: checkOf(inner) }));
  return (value) => isRecord(value) && fields.every(({ field, check }) => check(value[field]));
}

const isList = (shape: Exclude<Shape, string>): shape is readonly [Shape] => Array.isArray(shape);

const messageChecks: Readonly<Record<string, Check>> = {
  view: checkOf({ type: 'string', view: viewShape }),
  call: checkOf({ type: 'string', id: 'number', method: 'string', params: {} }),
} satisfies Record<ControllerMessage['type'], Check>;
