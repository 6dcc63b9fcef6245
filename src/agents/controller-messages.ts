/**
 * Messages of the controller, looked at before they are believed: one of another version may send others,
 * and what the agent's programs would trip over must end the connection, not the agent.
 *
 * What is looked at is the shape: that everything the programs walk over is there. What an address or a
 * MAC says is looked at where it becomes a row, one by one.
 */
import type { ControllerMessage } from '../model/node-call.js';
import { isRecord, recordOf } from '../model/untrusted.js';

/** `[shape]` is a list of such; `{ maybe: shape }` may be absent. */
type Shape = 'string' | 'number' | 'boolean' | { readonly [field: string]: Shape } | readonly [Shape];

const subnet = { cidr: 'string' } as const satisfies Shape;
const port = {
  name: 'string', mac: 'string', ips: ['string'], allowedAddressPairs: [{ ip: 'string', mac: 'string' }],
  holds: { maybe: [{ ip: 'string', mac: 'string' }] },
} as const satisfies Shape;
const networkRest = {
  name: 'string', vni: 'number', mtuBytes: 'number', subnets: [subnet],
  routerInterfaces: [{ routerId: 'string', mac: 'string', addresses: ['string'] }],
} as const satisfies Shape;
const viewRest = { node: { name: 'string', vtepIp: 'string', dvrMac: 'string' } } as const satisfies Shape;
/** What there are lists of in a view: the required fields of src/model/node-view.ts. */
const one = {
  peers: { name: 'string', vtepIp: 'string', interop: 'boolean' },
  networks: { ...networkRest, ports: [port], floodVteps: ['string'] },
  routers: {
    id: 'string',
    interfaces: [{ network: 'string', mac: 'string', addresses: ['string'] }],
    routes: [{ destination: 'string', via: 'string' }],
    routing: 'string',
  },
  externalNetworks: { name: 'string', mtuBytes: 'number', subnets: [subnet] },
  localPorts: { name: 'string', network: 'string', portSecurity: 'boolean' },
} as const satisfies Shape;

const viewShape = {
  ...viewRest, generation: 'number', peers: [one.peers], networks: [one.networks], routers: [one.routers],
  externalNetworks: { maybe: [one.externalNetworks] }, localPorts: [one.localPorts],
} as const satisfies Shape;

const listDelta = (element: Shape): Shape =>
  ({ maybe: { gone: { maybe: ['string'] }, put: { maybe: [{ at: 'number', one: element }] } } });

/** Of src/model/view-delta.ts. */
const deltaShape: Shape = {
  from: 'number', to: 'number', rest: { maybe: viewRest },
  ...Object.fromEntries(Object.entries(one).map(([list, element]) => [list, listDelta(element)])),
  changedNetworks: { maybe: [{
    name: 'string', ports: listDelta(port), floodVteps: listDelta('string'), rest: { maybe: networkRest },
  }] },
};

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
  const { maybe } = shape;
  if (maybe !== undefined) {
    const check = checkOf(maybe);
    return (value) => value === undefined || check(value);
  }
  const fields = Object.entries(shape).map(([field, inner]) => ({ field, check: checkOf(inner) }));
  return (value) => isRecord(value) && fields.every(({ field, check }) => check(value[field]));
}

const isList = (shape: Exclude<Shape, string>): shape is readonly [Shape] => Array.isArray(shape);

const messageChecks: Readonly<Record<string, Check>> = {
  view: checkOf({ type: 'string', view: viewShape }),
  delta: checkOf({ type: 'string', delta: deltaShape }),
  call: checkOf({ type: 'string', id: 'number', method: 'string', params: {} }),
} satisfies Record<ControllerMessage['type'], Check>;
