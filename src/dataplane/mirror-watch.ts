/**
 * Copies packets to the devices br-int and br-tun only while somebody looks: asks the kernel which
 * interfaces of the node's namespace a packet socket listens on, and tells the addon when that changes.
 * Runs in the dataplane process, whose namespace is the node's. The kernel sends no notification of
 * packet sockets, but asking costs 4 µs, so it is asked often enough that tcpdump misses no first packet.
 */
import { readFileSync } from 'node:fs';
import type { DeviceInfo } from './interface.js';
import type { NativeAddon, NativeDataplane } from './native.js';

const kProcFile = '/proc/thread-self/net/packet';

export interface MirrorsListened { readonly brInt: boolean; readonly brTun: boolean }

/** Which mirrors have a listener: a socket on the device, or one on every device (`tcpdump -i any`). */
export function mirrorsListened(sockets: readonly number[], devices: readonly DeviceInfo[]): MirrorsListened {
  const listened = (name: string): boolean => devices.some((device) => device.spec.kind === 'mirror'
    && device.spec.name === name && (sockets.includes(0) || sockets.includes(device.ifindex)));
  return { brInt: listened('br-int'), brTun: listened('br-tun') };
}

/** Interface indexes in /proc/net/packet: columns sk RefCnt Type Proto Iface R Rmem User Inode. */
export function packetSocketsOfProc(text: string): number[] {
  const lines = text.trim().split('\n').slice(1);
  return lines.map((line) => Number(line.trim().split(/\s+/)[4])).filter(Number.isInteger);
}

export interface MirrorWatch {
  /** Asks once and tells the addon if something has changed. */
  look(): void;
  close(): void;
}

/** A kernel without CONFIG_PACKET_DIAG is asked through /proc, at ten times the cost. */
export function watchMirrors(addon: NativeAddon, native: NativeDataplane): MirrorWatch {
  let diagFd = openDiag(addon);
  let last: MirrorsListened = { brInt: false, brTun: false };
  const sockets = (): readonly number[] => {
    if (diagFd === undefined) return packetSocketsOfProc(readFileSync(kProcFile, 'utf8'));
    try {
      return addon.packetSockets(diagFd);
    } catch {
      close();
      return sockets();
    }
  };
  const close = (): void => {
    if (diagFd !== undefined) addon.closeFd(diagFd);
    diagFd = undefined;
  };
  const look = (): void => {
    const now = mirrorsListened(sockets(), native.devices());
    if (now.brInt === last.brInt && now.brTun === last.brTun) return;
    native.setMirrors(now.brInt, now.brTun);
    last = now;
  };
  return { look, close };
}

function openDiag(addon: NativeAddon): number | undefined {
  try {
    return addon.openPacketDiag();
  } catch {
    return undefined;
  }
}
