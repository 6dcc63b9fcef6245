/** From what a person calls a network namespace to its path: a name is one in /run/netns, and nothing else. */
import { DvrError } from '../model/errors.js';

const kName = /^[^/\0]{1,255}$/;

/**
 * `hostRoot` is put before an absolute path only: names are the node's own.
 * @throws DVR_USAGE for a relative path, which could leave /run/netns.
 */
export function netnsPath(netns: string, hostRoot = ''): string {
  if (netns.startsWith('/') && !netns.includes('\0')) return `${hostRoot}${netns}`;
  if (kName.test(netns) && netns !== '.' && netns !== '..') return `/run/netns/${netns}`;
  throw new DvrError(
    'DVR_USAGE',
    `netns ${JSON.stringify(netns)} is neither a name in /run/netns nor an absolute path`,
    'for example qrouter-r1, or /proc/PID/ns/net',
  );
}
