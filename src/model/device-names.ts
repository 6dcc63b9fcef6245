/**
 * What the devices of routers are called: in their namespaces, where people see them, and as ports of the dataplane
 * and of their networks.
 */
import { createHash } from 'node:crypto';

/** IFNAMSIZ without the closing zero. */
const kMaxDeviceNameLength = 15;

/** What is left of a hash beside the prefix and the hyphen. */
const kHashLength = 13;

/** `<prefix>-<what>`; a name too long for the kernel is shortened to a hash, the same on every node. */
export function deviceName(prefix: string, what: string): string {
  const name = `${prefix}-${what}`;
  if (name.length <= kMaxDeviceNameLength && /^[A-Za-z0-9_-]+$/.test(name)) return name;
  return `${prefix}-${createHash('sha256').update(what).digest('hex').slice(0, kHashLength - prefix.length)}`;
}

export const routerDeviceName = (network: string): string => deviceName('qr', network);
export const snatDeviceName = (network: string): string => deviceName('sg', network);
export const gatewayDeviceName = (network: string): string => deviceName('qg', network);
export const fipDeviceName = (network: string): string => deviceName('fg', network);

/** Nobody's port can have such a name: it has slashes. */
export const routerPortName = (router: string, network: string): string => `qr/${router}/${network}`;
export const snatPortName = (router: string, network: string): string => `sg/${router}/${network}`;
export const gatewayPortName = (router: string): string => `qg/${router}`;
export const fipPortName = (network: string): string => `fg/${network}`;
