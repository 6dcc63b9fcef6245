/**
 * The only hands: everything done to namespaces and devices goes through here, to scripts/netns/*.sh or
 * to `ip -batch`. No decision is made; arguments are passed as words, never through a shell.
 *
 * @throws DVR_SCRIPT_FAILED with what the command said, or DVR_TIMEOUT where it did not end in time.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DvrError } from '../model/errors.js';
import type { DeviceFacts, NamespaceFacts } from './namespace-facts.js';
import { kRouteProtocol, type NamespaceDevice, type Neighbour, type Route, type Rule, type Translation } from './namespace.js';

export type ScriptName = 'namespace' | 'attach-netns' | 'mirror';

/** Where a port is plugged in, as the scripts take it. */
export interface NetnsPlace { readonly netns?: string; readonly pid?: number; readonly ifname: string }

export interface AttachWish extends NetnsPlace {
  readonly device: string;
  readonly mac: string;
  readonly mtuBytes: number;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  /** Routers advertise themselves in the network: the guest is to listen to them. */
  readonly acceptRa?: true;
}

/** What namespace.sh says of a device that it has moved into the namespace. */
const kTakenIn = 'taken in';

export interface Hands {
  mirrorUp(name: 'br-int' | 'br-tun' | 'br-ex'): Promise<void>;
  namespaceUp(namespace: string, sysctls: readonly string[]): Promise<void>;
  /**
   * Takes the device `source` of the node's own namespace in; an end of a veth pair is made if it is nowhere.
   * Answers whether it came in now: it then has nothing of what one of its name before it had.
   */
  deviceUp(namespace: string, source: string, device: NamespaceDevice): Promise<boolean>;
  deviceDown(namespace: string, device: string): Promise<void>;
  namespaceDown(namespace: string): Promise<void>;
  /** What the namespace holds; of nft tables those that are named. */
  look(namespace: string, nftTables: readonly string[]): Promise<NamespaceFacts>;
  /** Runs `ip -batch` lines inside; one that fails does not stop the next, all failures are one error. */
  batch(namespace: string, lines: readonly string[]): Promise<void>;
  /** Gives the text to `nft` inside: all of it is done, or nothing. */
  nft(namespace: string, text: string): Promise<void>;
  /** How nft lists the table once the text is done, found where nobody else can change it meanwhile. */
  nftListing(text: string, table: string): Promise<string>;
  /** Ends the connections that the namespace has translated so. */
  cut(namespace: string, translation: Translation): Promise<void>;
  /** @param netnsInode the namespace it must be; a process may have got another, or be another. */
  attach(wish: AttachWish, netnsInode?: number): Promise<void>;
  detach(place: NetnsPlace, mac: string): Promise<void>;
  /** MTU of the device that has the address in the node's own namespace; nothing if none has. */
  mtuOfAddress(ip: string): Promise<number | undefined>;
}

const kScriptTimeoutMs = 10_000;
/** Kernel work of one batch line is about 0.2 ms; a slow machine gets ten times that. */
const kBatchLineTimeoutMs = 2;
/** Lines of one `ip -batch`, so that no single call grows without bound. */
const kBatchLines = 4096;
const kMaxOutputBytes = 64 << 20;
const kMaxMessageLength = 2000;

/** @param folder where the scripts are; tests give their own. */
export function hands(folder = fileURLToPath(new URL('../../scripts/netns/', import.meta.url))): Hands {
  const saidBy = (name: ScriptName, words: readonly string[]): Promise<string> => run(`${folder}/${name}.sh`, words);
  const script = async (name: ScriptName, words: readonly string[]): Promise<void> => { await saidBy(name, words); };
  const show = async (words: readonly string[]): Promise<readonly Shown[]> =>
    parseShown((await run('ip', ['-json', ...words])).trim());
  return {
    mirrorUp: (name) => script('mirror', ['up', '--name', name]),
    namespaceUp: (namespace, sysctls) =>
      script('namespace', ['up', '--namespace', namespace, ...sysctlWords(sysctls)]),
    deviceUp: async (namespace, source, device) =>
      (await saidBy('namespace', ['up', '--namespace', namespace, ...deviceWords(source, device)])).includes(kTakenIn),
    deviceDown: (namespace, device) =>
      script('namespace', ['down', '--namespace', namespace, '--ifname', device]),
    namespaceDown: (namespace) => script('namespace', ['down', '--namespace', namespace]),
    look,
    batch: (namespace, lines) => runBatch(namespace, lines),
    nft: async (namespace, text) => { await run('nsenter', [...insideOf(namespace), 'nft', '-f', '-'], kScriptTimeoutMs, text); },
    nftListing: (text, table) => run('unshare', ['--net', 'sh', '-c', kListNft, 'sh', ...table.split(' ')], kScriptTimeoutMs, text),
    cut,
    attach: (wish, netnsInode) => script('attach-netns', ['up', ...attachWords(wish, netnsInode)]),
    detach: (place, mac) => script('attach-netns', ['down', ...placeWords(place), '--mac', mac]),
    mtuOfAddress: async (ip) => {
      const holder = (await show(['address', 'show', 'to', ip]))[0];
      return typeof holder?.['mtu'] === 'number' ? holder['mtu'] : undefined;
    },
  };
}

/** In a namespace that ends with it. The table's name comes as words. */
const kListNft = 'nft -f - && exec nft -s list table "$@"';

/** For nsenter, which leaves /sys and mounts as they are. */
const insideOf = (namespace: string): string[] => [`--net=/run/netns/${namespace}`];

async function look(namespace: string, nftTables: readonly string[]): Promise<NamespaceFacts> {
  const input = ['address show', 'neigh show nud permanent', `route show table all proto ${String(kRouteProtocol)}`, 'rule show'];
  const words = ['-json', '-netns', namespace, '-batch', '-'];
  const said = await run('ip', words, kScriptTimeoutMs, input.map((line) => `${line}\n`).join(''));
  const [devices = [], neighbours = [], routes = [], rules = []] = said.trim().split('\n').map(parseShown);
  const found = devices.map(deviceFrom);
  // A batch shows rules of one family; the other is asked only where somebody may have some.
  const rules6 = found.some(hasIpv6) ? parseShown(await run('ip', ['-6', '-json', '-netns', namespace, 'rule', 'show'])) : [];
  return {
    devices: found, neighbours: neighbours.map(neighbourFrom), routes: routes.map(routeFrom),
    rules: [...rules, ...rules6].filter(({ protocol }) => protocol === String(kRouteProtocol)).map(ruleFrom),
    nft: await listNft(namespace, nftTables),
  };
}

const hasIpv6 = ({ addresses }: DeviceFacts): boolean =>
  addresses.some((address) => address.includes(':') && !address.startsWith('fe80:') && address !== '::1/128');

/** As nft writes them, without counters. A table that is not there, or a kernel without nft, has no text. */
async function listNft(namespace: string, tables: readonly string[]): Promise<string> {
  let text = '';
  for (const table of tables) {
    const words = [...insideOf(namespace), 'nft', '-s', 'list', 'table', ...table.split(' ')];
    text += await run('nsenter', words).catch((error: unknown) => {
      if (error instanceof DvrError && error.code === 'DVR_TIMEOUT') throw error;
      return '';
    });
  }
  return text;
}

/** conntrack fails where there is none of a kind. */
async function cut(namespace: string, translation: Translation): Promise<void> {
  for (const words of cutWords(translation)) {
    await run('nsenter', [...insideOf(namespace), 'conntrack', '--delete', ...words]).catch((error: unknown) => {
      if (!(error instanceof DvrError && error.message.includes('0 flow entries have been deleted'))) throw error;
    });
  }
}

/** What was sent to the address, and what was sent as it; of a port that is forwarded there is the one direction only. */
export function cutWords({ ip, forwarded }: Translation): string[][] {
  if (forwarded === undefined) return [['--orig-dst', ip], ['--reply-dst', ip]];
  const { protocol, externalPort } = forwarded;
  return [['--proto', protocol, '--orig-dst', ip, '--orig-port-dst', String(externalPort)]];
}

/** One object of what `ip -json` shows. */
type Shown = Readonly<Record<string, unknown>>;

const parseShown = (text: string): readonly Shown[] => (text === '' ? [] : JSON.parse(text) as Shown[]);

const neighbourFrom = ({ dev, dst, lladdr }: Shown): Neighbour =>
  ({ device: String(dev), ip: String(dst), mac: String(lladdr) });

function routeFrom({ type, dst, gateway, dev, table }: Shown): Route {
  // Of these IPv6 alone shows a device.
  if (type === 'unreachable' || type === 'throw') return { destination: withBits(String(dst), dev === undefined ? '' : '::'), type };
  const via = typeof gateway === 'string' ? gateway : undefined;
  return {
    destination: withBits(String(dst), via ?? ''), device: String(dev),
    ...(via === undefined ? {} : { via }), ...(table === undefined ? {} : { table: Number(table) }),
  };
}

function ruleFrom({ priority, src, srclen, iif, table }: Shown): Rule {
  const whole = String(src).includes(':') ? 128 : 32;
  return {
    priority: Number(priority), table: Number(table),
    ...(src === 'all' ? {} : { from: `${String(src)}/${String(srclen ?? whole)}` }),
    ...(typeof iif === 'string' ? { iif } : {}),
  };
}

function deviceFrom({ ifname, address, mtu, flags, addr_info: infos }: Shown): DeviceFacts {
  const addresses = (infos as readonly Shown[])
    .map(({ local, prefixlen }) => `${String(local)}/${String(prefixlen)}`);
  const isUp = (flags as readonly string[]).includes('UP');
  return { name: String(ifname), mac: String(address), mtuBytes: Number(mtu), addresses, isUp };
}

/** `ip -json` writes "default" and leaves out the length of a host route. */
function withBits(destination: string, via: string): string {
  const isV6 = `${destination}${via}`.includes(':');
  if (destination === 'default') return isV6 ? '::/0' : '0.0.0.0/0';
  return destination.includes('/') ? destination : `${destination}/${isV6 ? '128' : '32'}`;
}

export function deviceWords(source: string, device: NamespaceDevice): string[] {
  const { from } = device;
  return [
    '--device', source,
    ...('vethPeer' in from ? ['--veth-peer', from.vethPeer, '--peer-namespace', from.peerNamespace] : []),
    '--ifname', device.name, '--mac', device.mac, '--mtu', String(device.mtuBytes),
    ...device.addresses.flatMap((address) => ['--address', address]),
    ...(device.ipv6 ? [] : ['--no-ipv6']), ...(device.onlink ? [] : ['--no-prefix-route']),
    ...sysctlWords(device.sysctls),
  ];
}

const sysctlWords = (sysctls: readonly string[]): string[] => sysctls.flatMap((sysctl) => ['--sysctl', sysctl]);

export function attachWords(wish: AttachWish, netnsInode?: number): string[] {
  return [
    ...placeWords(wish), ...(netnsInode === undefined ? [] : ['--inode', String(netnsInode)]),
    '--device', wish.device, '--mac', wish.mac, '--mtu', String(wish.mtuBytes),
    ...wish.addresses.flatMap((address) => ['--address', address]),
    ...wish.gateways.flatMap((gateway) => ['--gateway', gateway]), ...(wish.acceptRa ? ['--accept-ra'] : []),
  ];
}

function placeWords({ netns, pid, ifname }: NetnsPlace): string[] {
  const where = netns !== undefined ? ['--netns', netns] : ['--pid', String(pid)];
  return [...where, '--ifname', ifname];
}

/** What a line begins with that is about IPv6 and does not show it by an address of a next hop. */
const kIpv6Line = '-6 ';

async function runBatch(namespace: string, lines: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (let at = 0; at < lines.length; at += kBatchLines) {
    const part = lines.slice(at, at + kBatchLines);
    const timeoutMs = kScriptTimeoutMs + part.length * kBatchLineTimeoutMs;
    // Rules of IPv6 need a batch of their own.
    for (const family of ['', kIpv6Line]) {
      const mine = part.filter((line) => line.startsWith(kIpv6Line) === (family !== ''));
      if (mine.length === 0) continue;
      const input = mine.map((line) => `${line.slice(family.length)}\n`).join('');
      const words = [...(family === '' ? [] : ['-6']), '-netns', namespace, '-force', '-batch', '-'];
      await run('ip', words, timeoutMs, input).catch((error: unknown) => { failures.push(error); });
    }
  }
  if (failures.length > 0) throw failures[0];
}

function run(
  command: string, words: readonly string[], timeoutMs = kScriptTimeoutMs, input = '',
): Promise<string> {
  return new Promise((done, failed) => {
    const options = { timeout: timeoutMs, maxBuffer: kMaxOutputBytes, killSignal: 'SIGKILL' } as const;
    const child = execFile(command, words, options, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else failed(failure(command, words, error, stderr, timeoutMs));
    });
    // A command that reads nothing may be gone before the (empty) input is written.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** What scripts answer that somebody can mend. */
export const exitCodes = {
  /** attach-netns.sh and namespace.sh: the TAP is nowhere; its owner must make a new one. */
  deviceLost: 3,
  /** attach-netns.sh: the process has not the namespace any more that it had. */
  namespaceLeft: 7,
} as const;

/** Carries the exit code as `cause`, so that those can be told from the rest. */
export class ScriptFailure extends Error {
  constructor(readonly exitCode: number | undefined, message: string) { super(message); }
}

function failure(
  command: string, words: readonly string[], error: ExecFileException, stderr: string, timeoutMs: number,
): DvrError {
  const called = [command.split('/').at(-1) ?? command, ...words].join(' ');
  if (error.killed === true) {
    return new DvrError(
      'DVR_TIMEOUT', `"${called}" did not end in ${String(timeoutMs)} ms`, 'is the machine overloaded?',
    );
  }
  const said = stderr.trim().slice(-kMaxMessageLength) || `exit code ${String(error.code)}`;
  const cause = new ScriptFailure(typeof error.code === 'number' ? error.code : undefined, said);
  return new DvrError('DVR_SCRIPT_FAILED', said, `run it by hand: ${called}`, { cause });
}
