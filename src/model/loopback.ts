/** Doors that nobody guards yet: they open on this machine alone, and to programs, not to web pages. */
import { parseIp, type IpAddress } from './addresses.js';
import { DvrError } from './errors.js';

export interface LoopbackAddress {
  readonly host: IpAddress;
  readonly port: number;
}

const MAX_TCP_PORT = 65_535;

/**
 * @param what is behind the door, as "the API".
 * @throws DvrError DVR_USAGE
 */
export function parseLoopback(option: string, text: string, what: string, usualPort: number): LoopbackAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const host = parseIp(match?.[1] ?? match?.[2] ?? '');
  const port = Number(match?.[3]);
  if (host === undefined || port > MAX_TCP_PORT)
    throw new DvrError(
      'DVR_USAGE',
      `${option} ${text} is no address with a port`,
      `write it like 127.0.0.1:${usualPort} or [::1]:${usualPort}`,
    );
  if (isLoopback(host)) return { host, port };
  throw new DvrError(
    'DVR_USAGE',
    `${option} ${text}: ${host} is no loopback address, and ${what} listens on no other`,
    'there is no TLS and there are no tokens and roles yet, so whoever reaches it may do anything; ' +
      `from another machine come through ssh: ssh -L ${usualPort}:127.0.0.1:${usualPort} HOST`,
  );
}

/**
 * A page in a browser on this machine could send requests here on behalf of somebody far away. A browser
 * says whose page it is (Origin), and a name that was made to point here is in Host: both are refused.
 */
export function isLocalRequest(origin: string | undefined, hostname: string): boolean {
  const name = hostname.replace(/^\[(.*)\]$/, '$1');
  const host = parseIp(name);
  return origin === undefined && (name === 'localhost' || (host !== undefined && isLoopback(host)));
}

const isLoopback = (host: IpAddress): boolean => host.startsWith('127.') || host === '::1';
