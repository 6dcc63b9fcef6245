/**
 * Two SNAT namespaces with the same devices, addresses and rules, of which one is plugged in:
 *
 *   inside 10.1.0.2-4, fd01::2 ── br-in ─┬─ snat-a ─┬─ br-out ── outside 203.0.113.10, fd02::10
 *                                         └─ snat-b ─┘
 *
 * Rules and sysctls are those of the product; 203.0.113.101 is a floating IP of 10.1.0.3, and the gateway's port
 * 8080 is forwarded to port 80 of 10.1.0.2. What conntrack does not know dies here in IPv6 too, where the product
 * has no such rule, so that it is proven to be known.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { namespaceSysctls } from '../../src/namespaces/namespace.js';
import { snatTable } from '../../src/namespaces/nft.js';

export const gateway = '203.0.113.20';
export const fip = '203.0.113.101';
export const outside = { v4: '203.0.113.10', v6: 'fd02::10' } as const;
const nodes = ['snat-a', 'snat-b'] as const;
export type SnatNode = (typeof nodes)[number];
type Place = SnatNode | 'inside' | 'outside';
export const pathOf = (node: SnatNode): string => `/run/netns/${node}`;

const script = fileURLToPath(new URL('held-connections.mjs', import.meta.url));
/** A listing of tens of thousands of connections. */
const kMaxOutputBytes = 64 << 20;
const ip = (words: string): void => { execFileSync('ip', words.split(' ')); };
const inPlace = (place: Place, command: string, words: readonly string[], input = ''): string =>
  execFileSync('ip', ['netns', 'exec', place, command, ...words], { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: kMaxOutputBytes });

const sysctls = ['tcp_loose=0', 'tcp_be_liberal=1', 'events=1'].map((sysctl) => `net/netfilter/nf_conntrack_${sysctl}`);
const table = snatTable({
  qg: 'qg', outside: [gateway], snatTo: gateway, tenants: ['10.1.0.0/24'], translations: [{ ip: fip, fixedIp: '10.1.0.3' }],
  forwardings: [{ protocol: 'tcp', externalIp: gateway, externalPort: 8080, fixedIp: '10.1.0.2', internalPort: 80 }],
});
const guard = 'table ip6 guard { chain valid { type filter hook forward priority 0; ct state invalid drop; }\n }';

const portOf = (node: SnatNode, device: 'sg' | 'qg'): string => `${device}-${node}`;

export function build(): void {
  for (const place of [...nodes, 'inside', 'outside'] as const) create(place);
  for (const bridge of ['br-in', 'br-out']) {
    ip(`link add ${bridge} type bridge`);
    ip(`link set ${bridge} up`);
  }
  plug('inside', 'in', 'br-in', 'to-inside', ['10.1.0.2/24', '10.1.0.3/24', '10.1.0.4/24', 'fd01::2/64']);
  plug('outside', 'out', 'br-out', 'to-outside', [`${outside.v4}/24`, `${outside.v6}/64`]);
  for (const node of nodes) furnish(node);
  ip('-n inside route add default via 10.1.0.1');
  ip('-n inside route add default via fd01::1');
  ip('-n outside route add default via fd02::1');
}

function create(place: Place): void {
  ip(`netns add ${place}`);
  inPlace(place, 'sysctl', ['-eqw', ...namespaceSysctls]);
}

function furnish(node: SnatNode): void {
  plug(node, 'sg', 'br-in', portOf(node, 'sg'), ['10.1.0.1/24', 'fd01::1/64']);
  plug(node, 'qg', 'br-out', portOf(node, 'qg'), [`${gateway}/24`, `${fip}/32`, 'fd02::1/64']);
  inPlace(node, 'sysctl', ['-qw', ...sysctls]);
  inPlace(node, 'nft', ['-f', '-'], `table ${table?.name ?? ''} {\n${table?.body ?? ''}\n}\n${guard}\n`);
}

/** Another namespace under the same name, and of its devices none is plugged in. */
export function renew(node: SnatNode): void {
  // Whoever follows keeps the old one alive, and its devices in it.
  for (const device of ['sg', 'qg'] as const) ip(`link del ${portOf(node, device)}`);
  ip(`netns del ${node}`);
  create(node);
  furnish(node);
  for (const device of ['sg', 'qg'] as const) ip(`link set ${portOf(node, device)} down`);
}

/** Both nodes' devices have the same MACs, as a router's have on all nodes. */
function plug(place: Place, device: string, bridge: string, port: string, addresses: readonly string[]): void {
  ip(`link add ${port} type veth peer name ${device} netns ${place}`);
  ip(`link set ${port} master ${bridge} up`);
  if (device === 'sg' || device === 'qg') ip(`-n ${place} link set ${device} address 02:00:00:00:00:${device === 'sg' ? '01' : '02'}`);
  ip(`-n ${place} link set ${device} up`);
  ip(`-n ${place} link set lo up`);
  for (const address of addresses) ip(`-n ${place} address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`);
}

/** From now on all traffic takes this node. */
export function take(node: SnatNode): void {
  for (const other of nodes) if (other !== node) for (const device of ['sg', 'qg'] as const) ip(`link set ${portOf(other, device)} down`);
  for (const device of ['sg', 'qg'] as const) ip(`link set ${portOf(node, device)} up`);
}

export function conntrack(node: SnatNode, ...words: string[]): string { return inPlace(node, 'conntrack', words); }

/** Lines as `conntrack -o save` writes them. */
export function load(node: SnatNode, lines: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'dvr-connections-'));
  try {
    const file = join(folder, 'lines');
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
    inPlace(node, 'conntrack', ['--load-file', file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** TCP connections the node knows that carry data. */
export function carryingOn(node: SnatNode): number {
  return ['ipv4', 'ipv6'].flatMap((family) => conntrack(node, '-L', '-f', family, '-p', 'tcp').split('\n'))
    .filter((line) => / (ESTABLISHED|FIN_WAIT|CLOSE_WAIT) /.test(line)).length;
}

export interface Held {
  /** Over how many of them a byte still comes back. */
  carry(): Promise<number>;
  close(): Promise<void>;
}

const started: ChildProcess[] = [];
export function endAll(): void { for (const child of started) child.kill('SIGKILL'); }

async function start(place: Place, words: readonly string[]): Promise<{ child: ChildProcess; answer: () => Promise<string> }> {
  const child = spawn('ip', ['netns', 'exec', place, process.execPath, script, ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  if (child.stdout === null) throw new Error('no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => String((await lines.next()).value);
  if (await answer() !== 'ready') throw new Error(`${place}: ${words.join(' ')}: not ready`);
  return { child, answer };
}

export async function serve(place: Place, port: number): Promise<void> { await start(place, ['serve', String(port)]); }

export async function hold(
  place: Place, address: string, port: number, { count = 1, from = [] }: { count?: number; from?: readonly [string, number] | [] } = {},
): Promise<Held> {
  const { child, answer } = await start(place, ['hold', address, String(port), String(count), ...from.map(String)]);
  return {
    carry: async () => {
      child.stdin?.write('\n');
      return Number(await answer());
    },
    close: async () => {
      child.stdin?.end();
      await once(child, 'close');
    },
  };
}
