/**
 * How etcd may be reached. Whoever can write there owns the network, so the rule is that of the controller's
 * own doors: on this machine without keys, and over any wire only with TLS, by which both sides prove who
 * they are.
 */
import { readFileSync } from 'node:fs';
import { parseIp } from '../../model/addresses.js';
import { DvrError } from '../../model/errors.js';

export interface EtcdFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface EtcdAccess {
  readonly urls: readonly string[];
  readonly tls?: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
}

/** Members of one etcd; nobody runs more, for each write waits for a majority. */
const MAX_MEMBERS = 9;

/**
 * @param text URLs of one etcd's members, with commas between.
 * @throws DvrError DVR_USAGE that says which one is refused, and why.
 */
export function etcdAccess(text: string, files: EtcdFiles): EtcdAccess {
  const urls = text.split(',').map((one) => one.trim());
  if (urls.length > MAX_MEMBERS)
    throw refused(text, `more than ${MAX_MEMBERS} members`, 'name those of one etcd');
  const isTls = urls.map(isTlsUrl);
  if (new Set(isTls).size > 1)
    throw refused(text, 'http and https mixed', 'write all with https://');
  if (isTls[0] !== true) {
    if (Object.values(files).some((file) => file !== undefined))
      throw refused(text, 'keys are of no use without TLS', 'write https://');
    return { urls };
  }
  return { urls, tls: tlsOf(text, files) };
}

/** Whether it is reached by TLS. */
function isTlsUrl(text: string): boolean {
  if (/^unix:\/[^/]/.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare = url?.pathname === '/' && url.search === '' && url.username === '' && url.port !== '';
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || !isBare)
    throw refused(text, 'it is no URL of an etcd', 'write it like http://127.0.0.1:2379 or unix:/run/etcd/socket');
  if (url.protocol === 'https:') return true;
  if (isLoopback(url.hostname)) return false;
  throw refused(
    text,
    'everybody on the way there could read and write the whole network',
    'use https:// with --etcd-ca, --etcd-cert and --etcd-key, or an etcd on this machine',
  );
}

function isLoopback(hostname: string): boolean {
  const ip = parseIp(hostname.replace(/^\[(.*)\]$/, '$1'));
  return hostname === 'localhost' || ip === '::1' || ip?.startsWith('127.') === true;
}

function tlsOf(text: string, { ca, cert, key }: EtcdFiles): NonNullable<EtcdAccess['tls']> {
  if (ca === undefined || cert === undefined || key === undefined)
    throw refused(
      text,
      'TLS must prove both sides',
      'give --etcd-ca, --etcd-cert and --etcd-key, all three',
    );
  return { ca: readPem(ca), cert: readPem(cert), key: readPem(key) };
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new DvrError(
      'DVR_USAGE',
      `cannot read ${path}: ${(cause as Error).message}`,
      'give a file in PEM',
      { cause },
    );
  }
}

const refused = (what: string, why: string, hint: string): DvrError =>
  new DvrError('DVR_USAGE', `--etcd ${what}: ${why}`, hint);
