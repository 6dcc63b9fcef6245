/**
 * The order of things: which steps turn what a node has into what it should have. Pure; node-agent.ts
 * takes the steps. It depends on no event having been seen, so it heals whatever happened in between.
 *
 *   1 close     what would clash: a device or a plug of the same name, but another
 *   2 open      devices that are missing
 *   3 build     namespaces, filled before any row sends a packet there
 *   4 rows      one version: the new generation complete, the old one gone with it
 *   5 announce  what has come here, now that its packets find their way
 *   6 plug      a guest can speak only once everything behind its port is ready
 *   7 unplug    what is no longer wanted, after the last row that named it
 *   8 remove    namespaces of what is not on this node any more
 *
 * Deletes name exactly what they delete; what is not ours is in no list here.
 */
import type { DeviceSpec } from '../dataplane/interface.js';
import type { Namespace } from '../namespaces/namespace.js';
import type { Desired, Plug } from './desired.js';
import { vmDeviceName } from './local-ids.js';

export interface Actual {
  readonly devices: readonly DeviceSpec[];
  /** Names of namespaces that we have built. */
  readonly namespaces: readonly string[];
  readonly plugs: readonly Plug[];
  /** Ports whose plug this process has made or seen; after a restart each is looked at again. */
  readonly seen: ReadonlySet<string>;
}

export type Step =
  | { readonly step: 'close'; readonly device: string }
  | { readonly step: 'open'; readonly spec: DeviceSpec }
  | { readonly step: 'build'; readonly namespace: Namespace }
  | { readonly step: 'rows' }
  | { readonly step: 'announce' }
  | { readonly step: 'plug'; readonly plug: Plug }
  | { readonly step: 'unplug'; readonly plug: Plug }
  | { readonly step: 'remove'; readonly namespace: string };

export function plan(desired: Desired, actual: Actual): Step[] {
  const wantedDevices = new Map(desired.devices.map((spec) => [spec.name, spec]));
  const wantedPlugs = new Map(desired.plugs.map((plug) => [plug.port, plug]));
  const wantedNamespaces = new Set(desired.namespaces.map(({ name }) => name));

  const moved = actual.plugs.filter((plug) => isOther(plug, wantedPlugs.get(plug.port)));
  const replaced = new Set(moved.map(({ port }) => vmDeviceName(port)));
  const clashing = actual.devices.filter((spec) => {
    const wanted = wantedDevices.get(spec.name);
    return wanted !== undefined && (replaced.has(spec.name) || !sameDevice(spec, wanted));
  });
  const closed = new Set(clashing.map(({ name }) => name));
  const open = new Set(actual.devices.filter(({ name }) => !closed.has(name)).map(({ name }) => name));
  const plugged = new Map(actual.plugs.map((plug) => [plug.port, plug]));

  return [
    ...moved.map((plug): Step => ({ step: 'unplug', plug })),
    ...clashing.map(({ name }): Step => ({ step: 'close', device: name })),
    ...desired.devices.filter(({ name }) => !open.has(name)).map((spec): Step => ({ step: 'open', spec })),
    ...desired.namespaces.map((namespace): Step => ({ step: 'build', namespace })),
    { step: 'rows' },
    { step: 'announce' },
    ...desired.plugs.filter((plug) => needsPlug(plug, plugged.get(plug.port), actual.seen, open))
      .map((plug): Step => ({ step: 'plug', plug })),
    ...actual.devices.filter(({ name }) => !wantedDevices.has(name))
      .map(({ name }): Step => ({ step: 'close', device: name })),
    ...actual.plugs.filter(({ port }) => !wantedPlugs.has(port))
      .map((plug): Step => ({ step: 'unplug', plug })),
    ...actual.namespaces.filter((name) => !wantedNamespaces.has(name))
      .map((namespace): Step => ({ step: 'remove', namespace })),
  ];
}

/** An MTU changes on the open device (a script does it); anything else is another device. */
function sameDevice(left: DeviceSpec, right: DeviceSpec): boolean {
  if (left.kind !== right.kind || left.portId !== right.portId) return false;
  if (left.kind === 'uplink' && right.kind === 'uplink') return left.device === right.device;
  if (left.kind === 'tap' && right.kind === 'tap') return (left.gated ?? false) === (right.gated ?? false);
  return left.kind !== 'vtep' || right.kind !== 'vtep' || left.vtepIp === right.vtepIp;
}

/** Whether the port is wanted in another place, or as another device, than where it is. */
function isOther({ wish: there }: Plug, wanted: Plug | undefined): boolean {
  if (wanted === undefined) return false;
  const identity = ({ netns, pid, ifname, mac, device }: Plug['wish']): string =>
    JSON.stringify([netns, pid, ifname, mac, device]);
  return identity(there) !== identity(wanted.wish);
}

function needsPlug(
  wanted: Plug, there: Plug | undefined, seen: ReadonlySet<string>, open: ReadonlySet<string>,
): boolean {
  const unchanged = JSON.stringify(there?.wish) === JSON.stringify(wanted.wish);
  return !unchanged || !seen.has(wanted.port) || !open.has(vmDeviceName(wanted.port));
}
