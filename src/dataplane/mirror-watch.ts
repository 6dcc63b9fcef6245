/**
 * Copies packets to the devices br-int, br-tun and br-ex only while somebody looks: a watch of the node's
 * namespace, which is that of the dataplane process, tells when packet sockets come and go.
 */
import type { DeviceInfo, MirrorName } from './interface.js';
import type { NamespaceWatch, NativeDataplane, PacketSocket } from './native.js';

export interface MirrorsListened { readonly brInt: boolean; readonly brTun: boolean; readonly brEx: boolean }

/** Which mirrors have a listener: a socket on the device, or one on every device (`tcpdump -i any`). */
export function mirrorsListened(
  sockets: readonly PacketSocket[], devices: readonly DeviceInfo[],
): MirrorsListened {
  const listened = (name: MirrorName): boolean => devices.some(({ spec, ifindex: mirror }) =>
    spec.kind === 'mirror' && spec.name === name
    && sockets.some(({ ifindex }) => ifindex === 0 || ifindex === mirror));
  return { brInt: listened('br-int'), brTun: listened('br-tun'), brEx: listened('br-ex') };
}

export interface MirrorWatch {
  /** Asks once and tells the addon if something has changed. */
  look(): void;
}

/** @param here a watch of this process's own namespace; who opened it closes it. */
export function watchMirrors(
  here: Pick<NamespaceWatch, 'packetSockets'>, native: NativeDataplane,
): MirrorWatch {
  let last: MirrorsListened = { brInt: false, brTun: false, brEx: false };
  const look = (): void => {
    const now = mirrorsListened(here.packetSockets(), native.devices());
    if (now.brInt === last.brInt && now.brTun === last.brTun && now.brEx === last.brEx) return;
    native.setMirrors(now.brInt, now.brTun, now.brEx);
    last = now;
  };
  return { look };
}
