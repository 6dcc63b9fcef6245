/** `dvr port`: ports of networks, and what they are plugged into. The lab's VMs come in by this door too. */
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { PortStatus } from '../controller/status.js';
import { parseIp, parseMac } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import { controllerClient, type AttachRequest, type PortChange } from './client.js';
import { networkKind } from './network.js';
import { found, networking, type Resource } from './networking.js';
import { print } from './output.js';
import { portsText } from './status.js';

interface Json { readonly json?: true }
interface AttachOptions extends Json {
  readonly network?: string; readonly node?: string; readonly ip?: string;
  readonly netns?: string; readonly pid?: number; readonly dev?: string; readonly ifname?: string;
}
type Pair = NonNullable<PortChange['allowedAddressPairs']>[number];
interface SetOptions extends Json {
  readonly ip?: readonly string[]; readonly allowedAddressPair?: readonly Pair[];
}

/** The kernel's own limit (PID_MAX_LIMIT of 64-bit Linux). */
const kMaxPid = 4_194_304;

export function register(program: Command): void {
  const port = program.command('port')
    .description('ports of networks, and what they are plugged into')
    .addHelpText('after', '\nExample:\n  dvr port attach web1 --node cn1 --netns /run/netns/web1\n');
  const add = (name: string, does: string, example: string): Command => port.command(name)
    .description(does)
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExample:\n  dvr port ${example}\n`);
  registerAttach(port);
  add('create <network> <name>', 'a new port, plugged in nowhere yet', 'create red web1 --node cn1')
    .option('--ip <address>', 'this address; without it, the next free one', ipOf)
    .option('--node <node>', 'the node it is bound to')
    .action(makePort);
  add('detach <name>', 'unplug a port: device, addresses and routes go', 'detach web1').action(detach);
  add('list', 'all ports', 'list').action(list);
  add('show <name>', 'everything about one port', 'show web1').action(show);
  add('set <name>', "change a port's addresses", 'set vm1 --allowed-address-pair 10.1.0.100')
    .option('--ip <address>', 'the port has this address instead (may be repeated)', collect(ipOf))
    .option('--allowed-address-pair <ip[,mac]>', kPairHelp, collectPairs)
    .action(set);
  registerMigrate(port);
  add('delete <name>', 'unplug and forget a port', 'delete web1').action(remove);
}

const kPairHelp = 'it may also use this address or prefix (may be repeated; "none": no longer any)';

const kAttachHelp = `
Examples:
  dvr port attach web1 --network red --node cn1 --netns /run/netns/web1
  dvr port attach web1 --pid $(pidof -s nginx) --ifname eth1
  dvr port attach vm7 --network red --node cn2 --dev tap0        # QEMU: -netdev tap,ifname=tap0
`;

function registerAttach(port: Command): void {
  port.command('attach <name>')
    .description('plug a port into a network namespace or a device; it is made if it does not exist')
    .option('--network <network>', 'the network of a new port')
    .option('--node <node>', 'the node the namespace is on')
    .option('--ip <address>', 'the address of a new port; without it, the next free one', ipOf)
    .option('--netns <path>', 'the namespace, by path', (path) => resolve(path))
    .option('--pid <pid>', 'the namespace, by a process in it', pidOf)
    .option('--dev <name>', "a device of the node itself, such as a virtual machine's tap; it stays where it is")
    .option('--ifname <name>', 'what the device is called inside (default: eth0)')
    .option('--json', 'print JSON')
    .addHelpText('after', kAttachHelp)
    .action(attach);
}

const kMigrateHelp = `
Examples:
  dvr port migrate web1 --to cn2 --netns /run/netns/web1     # cn2 gets ready; traffic still goes to where web1 is
  dvr port migrate web1 --finish                             # the guest stands still now: it is on cn2
  dvr port migrate web1 --abort                              # or it stays where it is
`;

function registerMigrate(port: Command): void {
  port.command('migrate <name>')
    .description('move a port to another node: prepare that, then finish while the guest stands still')
    .option('--to <node>', 'prepare this node')
    .option('--netns <path>', 'the namespace there, by path', (path) => resolve(path))
    .option('--pid <pid>', 'the namespace there, by a process in it', pidOf)
    .option('--dev <name>', "a device of that node itself, such as a virtual machine's tap")
    .option('--ifname <name>', 'what the device is called inside (default: eth0)')
    .option('--finish', 'the port is there now; answers when every node knows')
    .option('--abort', 'the port stays where it is')
    .option('--json', 'print JSON')
    .addHelpText('after', kMigrateHelp)
    .action(migrate);
}

interface MigrateOptions extends Omit<AttachOptions, 'network' | 'node' | 'ip'> {
  readonly to?: string; readonly finish?: true; readonly abort?: true;
}

async function migrate(name: string, { json, to, finish, abort, ...plug }: MigrateOptions): Promise<void> {
  if ([to, finish, abort].filter((step) => step !== undefined).length !== 1) {
    throw new DvrError('DVR_USAGE', 'a migration has one step at a time: say either --to, --finish or --abort', 'dvr port migrate --help');
  }
  const client = controllerClient();
  if (to !== undefined) {
    const port = await client.prepareMigration(name, { node: to, ...plug }).catch(attachFault);
    print(json, port, () => `${to} is ready for ${name}; next: dvr port migrate ${name} --finish`);
    return;
  }
  const port = await (finish ? client.finishMigration(name) : client.abortMigration(name));
  print(json, port, () => `${name} is on ${port.node ?? 'no node'}`);
}

async function attach(name: string, { json, ...plug }: AttachOptions): Promise<void> {
  if ([plug.netns, plug.pid, plug.dev].filter((place) => place !== undefined).length !== 1) {
    throw new DvrError(
      'DVR_USAGE',
      'a port is plugged into one place: say either --netns, --pid or --dev',
      'dvr port attach --help',
    );
  }
  const request: AttachRequest = plug;
  const port = await controllerClient().attach(name, request).catch(attachFault);
  print(json, port, () => `${name} is plugged into ${whereText(plug)}\n${portsText([port])}`);
}

/** Only the node knows whether a namespace is one, and words are all it sends: a wrong one is bad input. */
export function attachFault(error: unknown): never {
  if (!(error instanceof DvrError) || !/no network namespace at/.test(error.message)) throw error;
  throw new DvrError('DVR_NO_NETNS', error.message, 'see `ip netns list` on that node; nothing is left behind', { cause: error });
}

async function detach(name: string, { json }: Json): Promise<void> {
  const answer = await controllerClient().detach(name);
  print(json, answer, () => `${name} is unplugged`);
}

async function list({ json }: Json): Promise<void> {
  const { ports } = await controllerClient().status();
  print(json, ports, () => portsText(ports));
}

async function show(name: string, { json }: Json): Promise<void> {
  const { ports } = await controllerClient().status();
  const port = ports.find((one) => one.name === name);
  if (port === undefined) {
    throw new DvrError('DVR_NOT_FOUND', `no port is named "${name}"`, 'see `dvr port list`');
  }
  print(json, port, () => portText(port));
}

async function makePort(network: string, name: string, { ip, node, json }: { ip?: string; node?: string } & Json): Promise<void> {
  const { id } = await found(networkKind, network);
  const fixed = ip === undefined ? {} : { fixed_ips: [{ ip_address: ip }] };
  const fields = { network_id: id, name, ...fixed, ...(node === undefined ? {} : { 'binding:host_id': node }) };
  const made = (await networking('POST', '/ports', { port: fields }))['port'] as Resource;
  const port = (await controllerClient().status()).ports.find((one) => one.id === made.id);
  print(json, made, () => (port === undefined ? made.id : portText(port)));
}

async function set(name: string, { json, ip, allowedAddressPair }: SetOptions): Promise<void> {
  const change: PortChange = {
    ...(ip === undefined ? {} : { ips: ip }),
    ...(allowedAddressPair === undefined ? {} : { allowedAddressPairs: allowedAddressPair }),
  };
  if (Object.keys(change).length === 0) {
    throw new DvrError('DVR_USAGE', 'nothing to change was given', 'dvr port set --help');
  }
  const port = await controllerClient().update(name, change);
  print(json, port, () => portText(port));
}

async function remove(name: string, { json }: Json): Promise<void> {
  const answer = await controllerClient().remove(name);
  print(json, answer, () => `${name} is gone`);
}

export function portText(port: PortStatus): string {
  const pairs = port.allowedAddressPairs.map(({ ip, mac }) => (mac === undefined ? ip : `${ip},${mac}`));
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['port', port.name],
    ['network', port.network],
    ['node', port.node ?? 'none: it is bound nowhere'],
    ...(port.migratingTo === undefined ? [] : [['migrating to', port.migratingTo] as const]),
    ['state', port.error === undefined ? port.state : `${port.state}: ${port.error}`],
    ['MAC', port.mac],
    ['addresses', port.ips.join(' ')],
    ['allowed pairs', pairs.join(' ') || 'none'],
    ...(port.holds === undefined ? [] : [['holds of them', port.holds.join(' ')] as const]),
    ['port security', port.portSecurity ? 'on' : 'off'],
    ['plugged into', port.attachment === undefined ? 'nothing' : whereText(port.attachment)],
  ];
  return lines.map(([label, value]) => `${label.padEnd(14)}${value ?? ''}`).join('\n');
}

function whereText({ netns, pid, dev, ifname }: AttachRequest): string {
  if (netns === undefined && pid === undefined) return `the node's device ${dev ?? ifname ?? '?'}`;
  return `${netns ?? `the namespace of process ${pid ?? '?'}`} as ${ifname ?? 'eth0'}`;
}

function ipOf(text: string): string {
  const ip = parseIp(text);
  if (ip === undefined) throw new InvalidArgumentError(`"${text}" is no IP address`);
  return ip;
}

function pidOf(text: string): number {
  const pid = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (pid < 1 || pid > kMaxPid) throw new InvalidArgumentError(`"${text}" is no process id`);
  return pid;
}

function pairOf(text: string): Pair {
  const [ip = '', mac, ...more] = text.split(',');
  const address = ip.split('/')[0] ?? '';
  if (parseIp(address) === undefined || more.length > 0) {
    throw new InvalidArgumentError(`"${text}" is no ADDRESS[/BITS][,MAC]`);
  }
  if (mac === undefined) return { ip };
  const parsed = parseMac(mac);
  if (parsed === undefined) throw new InvalidArgumentError(`"${mac}" is no MAC`);
  return { ip, mac: parsed };
}

function collectPairs(text: string, before: readonly Pair[] = []): readonly Pair[] {
  return text === 'none' ? [] : [...before, pairOf(text)];
}

const collect = <T>(parse: (text: string) => T) =>
  (text: string, before: readonly T[] = []): readonly T[] => [...before, parse(text)];
