/**
 * This node's own numbers: a port id for every device, a local VLAN for every network, a number for every
 * router with a copy here. Kept in the agent's state file, because rows, descriptors and `tap<portId>` names outlive an agent.
 *
 * Lowest free number first. A number stays with its owner while the view names the owner or its device is
 * still open, so that no number ever means two things at once.
 */
import { fipPortName, gatewayPortName, routerPortName } from '../model/device-names.js';
import { DvrError } from '../model/errors.js';
import type { NodeIds } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';
import { outsideTaps, portKinds, uplinks, wiredNetworks } from './outside-devices.js';

type Numbers = Readonly<Record<string, number>>;

export interface LocalIds {
  /** By device name: `vm/<port>`, `qr/<router>/<network>`, and those of outside-devices.ts. */
  readonly ports: Numbers;
  /** By network name, of this cloud's and of external networks with a wire here. */
  readonly localVlans: Numbers;
  /** By router id. */
  readonly routers: Numbers;
}

export const noIds: LocalIds = { ports: {}, localVlans: {}, routers: {} };

/** native/base/types.hpp: 1 is the tunnel, 2 to 4 the mirrors. */
const kFirstPort = 16;
const kLastPort = 4095;
const kLastLocalVlan = 4094;
const kLastRouter = 4095;
const kHint = 'this node is full: move ports to another';

export const vmDeviceName = (port: string): string => `vm/${port}`;
export const tapName = (portId: number): string => `tap${String(portId)}`;

/**
 * The numbers for everything the view needs. `held` names devices that are still open. What got no
 * number is in `faults`; the rest of the node goes on without it.
 */
export function allocateIds(
  before: LocalIds, view: NodeView, held: ReadonlySet<string>,
): { readonly ids: LocalIds; readonly faults: readonly DvrError[] } {
  const ports = allocate(before.ports, devicesOf(view), held, kFirstPort, kLastPort);
  const networks = [...view.networks, ...wiredNetworks(view)].map(({ name }) => name);
  const localVlans = allocate(before.localVlans, networks, new Set(), 1, kLastLocalVlan);
  const routers = allocate(before.routers, view.routers.map(({ id }) => id), new Set(), 1, kLastRouter);
  return {
    ids: { ports: ports.numbers, localVlans: localVlans.numbers, routers: routers.numbers },
    faults: [
      ...ports.without.map((name) =>
        new DvrError('DVR_DATAPLANE_REFUSED', `no port id is left for ${name}`, kHint)),
      ...localVlans.without.map((name) =>
        new DvrError('DVR_LOCAL_VLAN_EXHAUSTED', `no local VLAN is left for network ${name}`, kHint)),
      ...routers.without.map((name) =>
        new DvrError('DVR_DATAPLANE_REFUSED', `no number is left for router ${name}`, kHint)),
    ],
  };
}

/** The numbers with the names of what they stand for: a VM's port, a router, an external or a provider network. */
export function namesOfIds({ ports, localVlans, routers }: LocalIds, view: NodeView | undefined): NodeIds {
  const networkOf = new Map((view === undefined ? [] : [
    ...view.localPorts.map(({ name, network }) => ({ device: vmDeviceName(name), network })),
    ...view.routers.map(({ id, gateway }) => ({ device: gatewayPortName(id), network: gateway?.network ?? '' })),
    ...wiredNetworks(view).map(({ name }) => ({ device: fipPortName(name), network: name })),
  ]).map(({ device, network }) => [device, network]));
  return {
    ports: Object.entries(ports).map(([device, id]) => {
      const [kind = '', name = '', network = networkOf.get(device) ?? ''] = device.split('/');
      return { id, name, kind: portKinds[kind] ?? 'vm', network };
    }),
    localVlans: Object.entries(localVlans).map(([network, localVlan]) => ({ network, localVlan })),
    routerNumbers: Object.entries(routers).map(([router, number]) => ({ router, number })),
  };
}

function devicesOf(view: NodeView): string[] {
  return [
    ...view.localPorts.map(({ name }) => vmDeviceName(name)),
    ...view.routers.flatMap(
      ({ id, interfaces }) => interfaces.map(({ network }) => routerPortName(id, network)),
    ),
    ...outsideTaps(view).map(({ name }) => name),
    ...uplinks(view).map(({ name }) => name),
  ];
}

function allocate(
  before: Numbers, wanted: readonly string[], held: ReadonlySet<string>, first: number, last: number,
): { readonly numbers: Numbers; readonly without: readonly string[] } {
  const needed = new Set(wanted);
  const kept = Object.entries(before).filter(([name]) => needed.has(name) || held.has(name));
  const numbers = new Map(kept);
  const used = new Set(kept.map(([, number]) => number));
  const without: string[] = [];
  let next = first;
  for (const name of needed) {
    if (numbers.has(name)) continue;
    while (used.has(next)) ++next;
    if (next > last) { without.push(name); continue; }
    used.add(next);
    numbers.set(name, next);
  }
  return { numbers: Object.fromEntries(numbers), without };
}
