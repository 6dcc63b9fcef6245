/**
 * The only hands: everything done to namespaces and devices goes through here, to scripts/netns/*.sh or
 * to `ip -batch`. No decision is made; arguments are passed as words, never through a shell.
 *
 * @throws DVR_SCRIPT_FAILED with what the command said, or DVR_TIMEOUT where it did not end in time.
 */
import { execFile, type ExecFileException } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DvrError } from '../model/errors.js';
import type { DeviceFacts, RouterFacts } from './router-facts.js';
import { kRouteProtocol, type Neighbour, type RouterDevice, type RouterRoute } from './router-namespace.js';

export type ScriptName = 'router-ns' | 'attach-netns' | 'mirror';

/** Where a port is plugged in, as the scripts take it. */
export interface NetnsPlace { readonly netns?: string; readonly pid?: number; readonly ifname: string }

export interface AttachWish extends NetnsPlace {
  readonly device: string;
  readonly mac: string;
  readonly mtuBytes: number;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
}

export interface Hands {
  mirrorUp(name: 'br-int' | 'br-tun'): Promise<void>;
  routerUp(namespace: string, sysctls: readonly string[]): Promise<void>;
  /** Takes the TAP `tap` into the namespace as the device. */
  routerDeviceUp(namespace: string, tap: string, device: RouterDevice): Promise<void>;
  routerDeviceDown(namespace: string, device: string): Promise<void>;
  routerDown(namespace: string): Promise<void>;
  neighbours(namespace: string): Promise<readonly Neighbour[]>;
  routes(namespace: string): Promise<readonly RouterRoute[]>;
  /** What the router's namespace holds, in one short command. */
  look(namespace: string): Promise<RouterFacts>;
  /** Runs `ip -batch` lines inside; one that fails does not stop the next, all failures are one error. */
  batch(namespace: string, lines: readonly string[]): Promise<void>;
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
  const script = async (name: ScriptName, words: readonly string[]): Promise<void> => {
    await run(`${folder}/${name}.sh`, words);
  };
  const show = async (words: readonly string[]): Promise<readonly Shown[]> =>
    parseShown((await run('ip', ['-json', ...words])).trim());
  return {
    mirrorUp: (name) => script('mirror', ['up', '--name', name]),
    routerUp: (namespace, sysctls) =>
      script('router-ns', [
        'up', '--namespace', namespace, ...sysctls.flatMap((sysctl) => ['--sysctl', sysctl]),
      ]),
    routerDeviceUp: (namespace, tap, device) =>
      script('router-ns', ['up', '--namespace', namespace, ...routerDeviceWords(tap, device)]),
    routerDeviceDown: (namespace, device) =>
      script('router-ns', ['down', '--namespace', namespace, '--ifname', device]),
    routerDown: (namespace) => script('router-ns', ['down', '--namespace', namespace]),
    neighbours: async (namespace) =>
      (await show(['-netns', namespace, ...kShowNeighbours])).map(neighbourFrom),
    routes: async (namespace) => {
      const v4 = await show(['-netns', namespace, '-4', ...kShowRoutes]);
      const v6 = await show(['-netns', namespace, '-6', ...kShowRoutes]);
      return [...v4, ...v6].map(routeFrom);
    },
    look: async (namespace) => {
      const lines = [['address', 'show'], kShowNeighbours, kShowRoutes];
      const input = lines.map((words) => `${words.join(' ')}\n`).join('');
      const words = ['-json', '-netns', namespace, '-batch', '-'];
      const shown = (await run('ip', words, kScriptTimeoutMs, input)).trim().split('\n').map(parseShown);
      const [devices = [], neighbours = [], routes = []] = shown;
      return {
        devices: devices.map(deviceFrom),
        neighbours: neighbours.map(neighbourFrom),
        routes: routes.map(routeFrom),
      };
    },
    batch: (namespace, lines) => runBatch(namespace, lines),
    attach: (wish, netnsInode) => script('attach-netns', ['up', ...attachWords(wish, netnsInode)]),
    detach: (place, mac) => script('attach-netns', ['down', ...placeWords(place), '--mac', mac]),
    mtuOfAddress: async (ip) => {
      const holder = (await show(['address', 'show', 'to', ip]))[0];
      return typeof holder?.['mtu'] === 'number' ? holder['mtu'] : undefined;
    },
  };
}

/** One object of what `ip -json` shows. */
type Shown = Readonly<Record<string, unknown>>;

const kShowNeighbours = ['neigh', 'show', 'nud', 'permanent'];
const kShowRoutes = ['route', 'show', 'proto', String(kRouteProtocol)];

const parseShown = (text: string): readonly Shown[] => (text === '' ? [] : JSON.parse(text) as Shown[]);

const neighbourFrom = ({ dev, dst, lladdr }: Shown): Neighbour =>
  ({ device: String(dev), ip: String(dst), mac: String(lladdr) });

function routeFrom({ dst, gateway }: Shown): RouterRoute {
  const via = String(gateway);
  return { destination: withBits(String(dst), via), via };
}

function deviceFrom({ ifname, address, mtu, flags, addr_info: infos }: Shown): DeviceFacts {
  const addresses = (infos as readonly Shown[])
    .map(({ local, prefixlen }) => `${String(local)}/${String(prefixlen)}`);
  const isUp = (flags as readonly string[]).includes('UP');
  return { name: String(ifname), mac: String(address), mtuBytes: Number(mtu), addresses, isUp };
}

/** `ip -json` writes "default" and leaves out the length of a host route. */
function withBits(destination: string, via: string): string {
  const isV6 = via.includes(':');
  if (destination === 'default') return isV6 ? '::/0' : '0.0.0.0/0';
  return destination.includes('/') ? destination : `${destination}/${isV6 ? '128' : '32'}`;
}

export function routerDeviceWords(tap: string, device: RouterDevice): string[] {
  return [
    '--device', tap, '--ifname', device.name, '--mac', device.mac, '--mtu', String(device.mtuBytes),
    ...device.addresses.flatMap((address) => ['--address', address]), ...(device.ipv6 ? [] : ['--no-ipv6']),
  ];
}

export function attachWords(wish: AttachWish, netnsInode?: number): string[] {
  return [
    ...placeWords(wish), ...(netnsInode === undefined ? [] : ['--inode', String(netnsInode)]),
    '--device', wish.device, '--mac', wish.mac, '--mtu', String(wish.mtuBytes),
    ...wish.addresses.flatMap((address) => ['--address', address]),
    ...wish.gateways.flatMap((gateway) => ['--gateway', gateway]),
  ];
}

function placeWords({ netns, pid, ifname }: NetnsPlace): string[] {
  const where = netns !== undefined ? ['--netns', netns] : ['--pid', String(pid)];
  return [...where, '--ifname', ifname];
}

async function runBatch(namespace: string, lines: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (let at = 0; at < lines.length; at += kBatchLines) {
    const part = lines.slice(at, at + kBatchLines);
    const timeoutMs = kScriptTimeoutMs + part.length * kBatchLineTimeoutMs;
    await run('ip', ['-netns', namespace, '-force', '-batch', '-'], timeoutMs, `${part.join('\n')}\n`)
      .catch((error: unknown) => { failures.push(error); });
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

/** Carries the exit code as `cause`, so that "the device is nowhere" (3) can be told from the rest. */
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
