/** Messages from agents, looked at before they are believed: a node of an older version may send others. */
import type { AgentMessage } from '../model/node-call.js';
import type { NodeReport, PortReport, RouterReport } from '../model/node-view.js';
import { isRecord, recordOf } from '../model/untrusted.js';

const portStates: ReadonlySet<string> = new Set([
  'up',
  'down',
  'gone',
  'error',
] satisfies PortReport['state'][]);

/** Undefined where it is no message of ours. */
export function parseAgentMessage(data: Buffer): AgentMessage | undefined {
  const message = recordOf(data);
  if (message === undefined) return undefined;
  switch (message['type']) {
    case 'register':
      return hasTypes(message, {
        node: 'string',
        vtepIp: 'string',
        underlayMtu: 'number',
        version: 'string',
      }) && isMaybeNumber(message['generation'])
        ? cast(message)
        : undefined;
    case 'resync':
      return cast(message);
    case 'report':
      return isReport(message['report']) ? cast(message) : undefined;
    case 'announced':
      return Array.isArray(message['addresses']) && message['addresses'].every(isAnnouncedAddress)
        ? cast(message)
        : undefined;
    case 'result':
      return hasTypes(message, { id: 'number' }) ? cast(message) : undefined;
    case 'failure':
      return hasTypes(message, { id: 'number', code: 'string', message: 'string' })
        ? cast(message)
        : undefined;
    default:
      return undefined;
  }
}

const isMaybeNumber = (value: unknown): boolean => value === undefined || typeof value === 'number';

function isReport(value: unknown): value is NodeReport {
  return (
    isRecord(value) &&
    hasTypes(value, { node: 'string', generation: 'number' }) &&
    Array.isArray(value['ports']) &&
    value['ports'].every(isPortReport) &&
    Array.isArray(value['errors']) &&
    value['errors'].every(
      (error: unknown) => isRecord(error) && hasTypes(error, { code: 'string', message: 'string' }),
    ) &&
    (value['routers'] === undefined ||
      (Array.isArray(value['routers']) && value['routers'].every(isRouterReport)))
  );
}

function isPortReport(value: unknown): value is PortReport {
  return (
    isRecord(value) &&
    hasTypes(value, { name: 'string', state: 'string' }) &&
    portStates.has(String(value['state'])) &&
    (value['error'] === undefined || typeof value['error'] === 'string')
  );
}

function isRouterReport(value: unknown): value is RouterReport {
  return (
    isRecord(value) &&
    hasTypes(value, { id: 'string', why: 'string' }) &&
    (value['way'] === 'fast' || value['way'] === 'namespace') &&
    (value['snatNode'] === undefined || typeof value['snatNode'] === 'string')
  );
}

function isAnnouncedAddress(value: unknown): boolean {
  return isRecord(value) && hasTypes(value, { port: 'string', ip: 'string', mac: 'string', ageMs: 'number' });
}

function hasTypes(
  value: Readonly<Record<string, unknown>>,
  types: Readonly<Record<string, 'string' | 'number'>>,
): boolean {
  return Object.entries(types).every(([key, type]) => typeof value[key] === type);
}

/** The shape has just been looked at, which the compiler cannot follow. */
function cast(message: Readonly<Record<string, unknown>>): AgentMessage {
  return message as unknown as AgentMessage;
}
