/**
 * Calls that reach the node through the controller (src/model/node-call.ts), answered from the dataplane,
 * the agent's numbers, or by a probe. Parameters come from a person's command and are checked here.
 */
import type { Dataplane } from '../dataplane/interface.js';
import { DvrError } from '../model/errors.js';
import type { NodeCallMethod, NodeIds } from '../model/node-call.js';
import type { Examination } from '../model/finding.js';
import type { NodeDifferences } from '../model/node-difference.js';
import { netnsPath } from '../namespaces/netns-path.js';
import { probe } from './probe.js';
import { TraceLease } from './trace-lease.js';

export interface NodeCallParts {
  /** @throws DVR_DATAPLANE_UNREACHABLE while there is none. */
  readonly dataplane: () => Dataplane;
  readonly numbers: () => NodeIds;
  readonly differences: () => Promise<NodeDifferences>;
  readonly examine: () => Promise<Examination>;
}

type Params = Readonly<Record<string, unknown>>;

const kMarkerBytes = 16;
const kMarkerText = /^[0-9a-f]{32}$/i;
const kMaxFrameBytes = 65_536 + 14;

export async function answerCall(
  parts: NodeCallParts, method: NodeCallMethod, params: Params,
): Promise<unknown> {
  switch (method) {
    case 'hello': return parts.dataplane().hello();
    case 'counters': return parts.dataplane().counters();
    case 'tables': return parts.dataplane().tables();
    case 'takeTrace': return leaseOf(parts.dataplane()).records(markerOf(params, 'marker'));
    case 'setTrace':
      await setTrace(leaseOf(parts.dataplane()), params);
      return {};
    case 'inject':
      await parts.dataplane().inject(numberOf(params, 'portId'), frameOf(params));
      return {};
    case 'probe': return probe(probeWishOf(params));
    case 'ids': return parts.numbers();
    case 'diff': return parts.differences();
    case 'examine': return parts.examine();
    default: throw wrong(`the node has no call "${String(method)}"`);
  }
}

/** A lease is of one dataplane: the next one starts without a marker, and so without a lease. */
const leases = new WeakMap<Dataplane, TraceLease>();

function leaseOf(dataplane: Dataplane): TraceLease {
  const known = leases.get(dataplane) ?? new TraceLease(dataplane);
  leases.set(dataplane, known);
  return known;
}

function setTrace(lease: TraceLease, params: Params): Promise<void> {
  return params['marker'] === null
    ? lease.release(markerOf(params, 'release'))
    : lease.take(markerOf(params, 'marker'));
}

function markerOf(params: Params, name: 'marker' | 'release'): Buffer {
  const marker = params[name];
  if (typeof marker === 'string' && kMarkerText.test(marker)) return Buffer.from(marker, 'hex');
  throw wrong(`${name} must be the ${String(kMarkerBytes)} bytes of a walk's marker, in hex`);
}

function frameOf({ frame }: Params): Uint8Array {
  const bytes = typeof frame === 'string' ? Buffer.from(frame, 'base64') : Buffer.alloc(0);
  if (bytes.length >= 14 && bytes.length <= kMaxFrameBytes) return bytes;
  throw wrong(`frame must be an Ethernet frame of 14 to ${String(kMaxFrameBytes)} bytes, in base64`);
}

/** `netns` is a name in the node's own /run/netns (`qrouter-r1`), or a path as in a port's attachment. */
function probeWishOf(params: Params): Parameters<typeof probe>[0] {
  const { netns, target } = params;
  if (typeof netns !== 'string' || typeof target !== 'string') throw wrong('netns and target must be text');
  const hostRoot = process.env['DVR_HOST_ROOT'] ?? '';
  const wish = { netns: netnsPath(netns, hostRoot), target, count: numberOf(params, 'count') };
  return params['ttl'] === undefined ? wish : { ...wish, ttl: numberOf(params, 'ttl') };
}

function numberOf(params: Params, name: string): number {
  const value = params[name];
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw wrong(`${name} must be a whole number`);
}

const wrong = (message: string): DvrError => new DvrError('DVR_USAGE', message, '');
