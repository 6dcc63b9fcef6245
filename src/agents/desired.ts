/**
 * What this node should have beside rows, as pure data from the view: open devices, network namespaces,
 * plugged ports. reconcile.ts compares it with what is there.
 */
import type { DeviceSpec } from '../dataplane/interface.js';
import { isInCidr, withPrefix, type Cidr, type IpAddress } from '../model/addresses.js';
import { routerPortName } from '../model/device-names.js';
import { isOwnDevice, type Attachment, type NodeView, type SubnetView } from '../model/node-view.js';
import { fipNamespace } from '../namespaces/fip-namespace.js';
import type { Namespace } from '../namespaces/namespace.js';
import { routerNamespace } from '../namespaces/router-namespace.js';
import type { AttachWish, NetnsPlace } from '../namespaces/scripts.js';
import { snatNamespace } from '../namespaces/snat-namespace.js';
import { localPorts, type LocalPort } from './l2/ports-program.js';
import { tapName, vmDeviceName, type LocalIds } from './local-ids.js';
import { gatewayHere, outsideTaps, standsBy, uplinks, wiredNetworks } from './outside-devices.js';

/** A port plugged into a namespace: what attach-netns.sh is to make true. */
export interface Plug {
  readonly port: string;
  readonly wish: AttachWish;
  /** Of the namespace that the process had when first seen: pids are used again, and then mean another. */
  readonly netnsInode?: number;
}

type Attached = LocalPort & { readonly attachment: Attachment };

export interface Desired {
  readonly devices: readonly DeviceSpec[];
  /** In the order in which they are built: what a router sends to is there before it. */
  readonly namespaces: readonly Namespace[];
  readonly plugs: readonly Plug[];
}

/** Prefix of paths in the machine's own mount namespace, as seen from a fake node (the lab). */
export const hostRoot = (): string => process.env['DVR_HOST_ROOT'] ?? '';

export const attachmentText = ({ netns, pid, ifname }: Attachment): string =>
  JSON.stringify([netns ?? pid, ifname]);

/**
 * @param gone ports whose device vanished, with the attachment it vanished from: such a port is left
 *   alone until somebody attaches it elsewhere, or again.
 */
export function desiredOf(view: NodeView, ids: LocalIds, gone: ReadonlyMap<string, string>): Desired {
  const attached = localPorts(view, ids).flatMap((port) => {
    const { attachment } = port.local;
    if (attachment === undefined || gone.get(port.local.name) === attachmentText(attachment)) return [];
    return [{ ...port, attachment }];
  });
  return {
    devices: [
      { kind: 'mirror', name: 'br-int', portId: 2 },
      { kind: 'mirror', name: 'br-tun', portId: 3 },
      ...uplinkDevices(view, ids),
      { kind: 'vtep', name: 'vtep', portId: 1, vtepIp: view.node.vtepIp },
      ...routerTaps(view, ids),
      ...outsideTaps(view).flatMap(({ name, mtuBytes, gated }) => tapSpec(name, mtuBytes, ids, gated)),
      ...attached.map(vmDevice),
    ],
    namespaces: namespacesOf(view, ids),
    plugs: attached.filter(({ attachment }) => !isOwnDevice(attachment)).map(
      ({ attachment, ...port }) => ({ port: port.local.name, wish: wishOf(port, attachment) }),
    ),
  };
}

/** A TAP of ours that is then plugged in, or a device that is there already and is taken as it stands. */
function vmDevice({ local, network: { mtuBytes }, portId, attachment }: Attached): DeviceSpec {
  const common = { name: vmDeviceName(local.name), portId, mtuBytes };
  return isOwnDevice(attachment)
    ? { kind: 'uplink', device: attachment.ifname, ...common }
    : { kind: 'tap', ...common };
}

function namespacesOf(view: NodeView, ids: LocalIds): Namespace[] {
  const wired = wiredNetworks(view);
  return [
    ...wired.flatMap((network) => (network.fg === undefined ? [] : fipNamespace(network, network.fg, view, ids.routers))),
    ...view.routers.flatMap((router) => {
      const gateway = standsBy(router, view);
      const outside = wired.find(({ name }) => name === gateway?.network);
      if (gateway === undefined || outside === undefined) return [];
      const ready = snatNamespace(router, gateway, outside, view);
      // Whoever only stands by has no address to tell of.
      return gatewayHere(router, view) === undefined ? { ...ready, announced: [] } : ready;
    }),
    ...view.routers.map((router) => routerNamespace(router, view, ids.routers[router.id])),
  ];
}

function routerTaps(view: NodeView, ids: LocalIds): DeviceSpec[] {
  const mtuOf = new Map(view.networks.map(({ name, mtuBytes }) => [name, mtuBytes]));
  return view.routers.flatMap(({ id, interfaces }) => interfaces.flatMap(({ network }): DeviceSpec[] => {
    const mtuBytes = mtuOf.get(network);
    return mtuBytes === undefined ? [] : tapSpec(routerPortName(id, network), mtuBytes, ids);
  }));
}

/** The provider's wires, and br-ex where there is one. */
function uplinkDevices(view: NodeView, ids: LocalIds): DeviceSpec[] {
  const wires = uplinks(view).flatMap(({ name, device, mtuBytes }): DeviceSpec[] => {
    const portId = ids.ports[name];
    return portId === undefined ? [] : [{ kind: 'uplink', name, portId, device, mtuBytes }];
  });
  return wires.length === 0 ? [] : [{ kind: 'mirror', name: 'br-ex', portId: 4 }, ...wires];
}

/** Nothing where no number was left for it. */
function tapSpec(name: string, mtuBytes: number, ids: LocalIds, gated?: true): DeviceSpec[] {
  const portId = ids.ports[name];
  return portId === undefined ? [] : [{ kind: 'tap', name, portId, mtuBytes, ...(gated === undefined ? {} : { gated }) }];
}

/** Where a router advertises IPv6 the default route is its to tell, and so are addresses of slaac subnets. */
function wishOf({ port, network, portId }: LocalPort, attachment: Attachment): AttachWish {
  const homes = port.ips.flatMap((ip) => network.subnets.filter(({ cidr }) => isInCidr(ip, cidr)).map((subnet) => ({ ip, subnet })));
  const acceptRa = network.subnets.some(({ ipv6 }) => ipv6 !== undefined);
  const gateways = gatewaysOf(homes.map(({ subnet }) => subnet));
  return {
    ...placeOf(attachment), device: tapName(portId), mac: port.mac, mtuBytes: network.mtuBytes,
    addresses: homes.filter(({ subnet }) => subnet.ipv6 !== 'slaac')
      .map(({ ip, subnet }) => withPrefix(ip as IpAddress, subnet.cidr as Cidr)),
    gateways: acceptRa ? gateways.filter((ip) => !ip.includes(':')) : gateways,
    ...(acceptRa ? { acceptRa } : {}),
  };
}

function placeOf({ netns, pid, ifname }: Attachment): NetnsPlace {
  if (netns !== undefined) return { netns: `${hostRoot()}${netns}`, ifname };
  return pid === undefined ? { ifname } : { pid, ifname };
}

/** One default route a family: through the gateway of the first subnet that has one. */
function gatewaysOf(subnets: readonly SubnetView[]): string[] {
  const gateways = subnets.flatMap(({ gatewayIp }) => gatewayIp ?? []);
  const first = (isV6: boolean): string[] => gateways.filter((ip) => ip.includes(':') === isV6).slice(0, 1);
  return [...first(false), ...first(true)];
}
