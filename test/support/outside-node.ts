/**
 * One node's namespaces with a way out, built by the real l3 agent out of a view, with Linux bridges where the
 * fast path would be. So every packet passes the kernel's real routing, NAT and connection tracking.
 *
 *   vm1 vm3 ─ br-red ─┬─ qr-red ┐                    ┌─ fg-ext ─┐
 *                     └─ sg-red │ qrouter-r1 ═ fip-ext          ├─ br-ext ┬ ext 203.0.113.10, .1 (198.51.100.9)
 *   vm2 vm4 ─ br-green ─ qr-,sg-┘       snat-r1 ── qg-ext ──────┘         └ other 203.0.113.77 (192.0.2.9)
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { promisify } from 'node:util';
import { desiredOf } from '../../src/agents/desired.js';
import { teller } from '../../src/agents/l3/gratuitous-arp.js';
import { L3Agent, standingPlace, type Arrival } from '../../src/agents/l3/l3-agent.js';
import { allocateIds, noIds, tapName, type LocalIds } from '../../src/agents/local-ids.js';
import type { FloatingIpView, NodeView } from '../../src/model/node-view.js';
import { hands } from '../../src/namespaces/scripts.js';
import { ext, gateway, outsideMac, nn1, withRouter } from '../unit/agents/outside.js';
import { mac } from '../unit/agents/picture.js';

export const fips = {
  vm1: { ip: '203.0.113.101', network: 'ext', fixedIp: '10.1.0.11', port: 'vm1', placement: 'distributed' },
  vm4: { ip: '203.0.113.104', network: 'ext', fixedIp: '10.2.0.14', port: 'vm4', placement: 'distributed' },
} as const satisfies Record<string, FloatingIpView>;

/** Everything on one node: r1's copy, its SNAT namespace and the FIP namespace. */
export const viewWith = (floatingIps: readonly FloatingIpView[], change: Partial<typeof gateway> = {}): NodeView => ({
  ...withRouter(nn1, { gateway: { ...gateway, ...change }, floatingIps }),
  externalNetworks: [{ ...ext, fg: { mac: outsideMac.fg, addresses: ['203.0.113.31/24'] } }],
});

const vms = {
  vm1: { network: 'red', ip: '10.1.0.11', mac: mac.vm1 }, vm3: { network: 'red', ip: '10.1.0.13', mac: mac.vm3 },
  vm2: { network: 'green', ip: '10.2.0.12', mac: mac.vm2 }, vm4: { network: 'green', ip: '10.2.0.14', mac: mac.vm4 },
} as const;
export type Host = keyof typeof vms | 'ext' | 'other' | 'qrouter-r1' | 'snat-r1' | 'fip-ext';

const bridges = ['br-red', 'br-green', 'br-ext'];
const ip = (...words: string[]): void => { execFileSync('ip', words); };
const bridgeOf = (device: string): string => {
  const [kind = '', owner = '', network = owner] = device.split('/');
  return kind === 'qg' || kind === 'fg' ? 'br-ext' : `br-${network}`;
};

export class OutsideNode {
  readonly told: Arrival[] = [];
  readonly complaints: unknown[] = [];
  #agent = this.#newAgent();
  #ids: LocalIds = noIds;
  readonly #open = new Set<string>();
  #namespaces: readonly string[] = [];

  up(): void {
    for (const bridge of bridges) {
      ip('link', 'add', bridge, 'type', 'bridge');
      ip('link', 'set', bridge, 'up');
    }
    for (const [name, vm] of Object.entries(vms)) {
      host(name, `br-${vm.network}`, vm.mac, [`${vm.ip}/24`]);
      ip('-n', name, 'route', 'add', 'default', 'via', vm.network === 'red' ? '10.1.0.1' : '10.2.0.1');
    }
    host('ext', 'br-ext', '0e:00:00:00:00:01', ['203.0.113.10/24', '203.0.113.1/24']);
    ip('-n', 'ext', 'address', 'add', '198.51.100.9/32', 'dev', 'lo');
    host('other', 'br-ext', '0e:00:00:00:00:77', ['203.0.113.77/24']);
    ip('-n', 'other', 'address', 'add', '192.0.2.9/32', 'dev', 'lo');
  }

  /** Nothing of it stays behind for the tests that come after it on the same machine. */
  async down(): Promise<void> {
    await this.#remove(this.#namespaces);
    this.#namespaces = [];
    for (const name of [...Object.keys(vms), 'ext']) {
      ip('link', 'del', `v-${name}`);
      ip('netns', 'del', name);
    }
    for (const bridge of bridges) ip('link', 'del', bridge);
  }

  #newAgent(): L3Agent {
    const tell = teller((_level, what, more) => { this.complaints.push({ what, more }); });
    const agent: L3Agent = new L3Agent(hands(), (arrival, isHere) => {
      this.told.push(arrival);
      // The dead announce nothing: the timers of an agent that another has followed are in this process still.
      tell(arrival, () => this.#agent === agent && isHere());
    });
    return agent;
  }

  /** The agent dies, and another one takes its place. */
  restart(): void { this.#agent = this.#newAgent(); }

  look(): Promise<readonly string[]> { return this.#agent.look(); }

  async build(view: NodeView): Promise<void> {
    this.#ids = allocateIds(this.#ids, view, this.#open).ids;
    const desired = desiredOf(view, this.#ids, new Map());
    for (const { kind, name, portId } of desired.devices) if (kind === 'tap') this.#plug(name, tapName(portId));
    for (const namespace of desired.namespaces) {
      await this.#agent.build(namespace, (device) => {
        const portId = this.#ids.ports[device];
        return portId === undefined ? undefined : tapName(portId);
      });
    }
    this.#agent.announce();
    await this.#remove(this.#namespaces.filter((name) => !desired.namespaces.some((wanted) => wanted.name === name)));
    this.#namespaces = desired.namespaces.map(({ name }) => name);
  }

  async #remove(namespaces: readonly string[]): Promise<void> {
    for (const name of namespaces) {
      for (const device of [...this.#open].filter((one) => standingPlace(one)?.namespace === name)) {
        ip('link', 'del', `b${tapName(this.#ids.ports[device] ?? 0)}`);
        this.#open.delete(device);
      }
      await this.#agent.remove(name);
    }
  }

  /** What the dataplane's port would be: the far end is on a bridge. */
  #plug(device: string, tap: string): void {
    if (this.#open.has(device)) return;
    this.#open.add(device);
    ip('link', 'add', tap, 'type', 'veth', 'peer', 'name', `b${tap}`);
    ip('link', 'set', `b${tap}`, 'master', bridgeOf(device), 'up');
  }
}

function host(name: string, bridge: string, address: string, ips: readonly string[]): void {
  ip('netns', 'add', name);
  ip('link', 'add', `v-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  ip('link', 'set', `v-${name}`, 'master', bridge, 'up');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'link', 'set', 'eth0', 'address', address, 'up');
  for (const one of ips) ip('-n', name, 'address', 'add', one, 'dev', 'eth0');
}

/** Answers every TCP connection on port 7000 with the address it came from, and whatever it says after that. */
const kServer = `require('net').createServer((s) => { s.on('error', () => {}); s.write(s.remoteAddress + ' ' + s.remotePort);
  s.pipe(s); }).listen(7000, '0.0.0.0', () => console.log('ready'))`;
/** Connects, says what the other end has seen, and every 100 ms whether what it sends still comes back. */
const kClient = `const [host, port = 7000] = process.argv[1].split(':');
  const s = require('net').connect({ host, port, localPort: Number(process.argv[2]) });
  s.on('error', () => process.exit(1)); s.on('data', (d) => process.stdout.write(d + '\\n'));
  if (process.argv[3] === 'stay') setInterval(() => s.write('x'), 100);
  else { s.once('data', () => s.destroy()); setTimeout(() => process.exit(1), 2000).unref(); }`;

const started: ChildProcess[] = [];
const start = (where: Host, ...words: string[]): ChildProcess => {
  const child = spawn('nsenter', [`--net=/run/netns/${where}`, ...words], { stdio: ['ignore', 'pipe', 'ignore'] });
  started.push(child);
  return child;
};

export async function serve(where: Host): Promise<void> {
  const child = start(where, process.execPath, '-e', kServer);
  await new Promise((done) => { child.stdout?.once('data', done); });
}

export function stopAll(): void { for (const child of started.splice(0)) child.kill('SIGKILL'); }

/** A connection that goes on; answers how much has come back up to now. */
export function keepTalking(where: Host, target: string): () => number {
  let heard = 0;
  start(where, process.execPath, '-e', kClient, target, '0', 'stay').stdout?.on('data', () => { ++heard; });
  return () => heard;
}

/** Which address and port the other end sees, or "nothing". */
export const seenBy = (where: Host, target: string, port = 0): Promise<string> =>
  inside(where, process.execPath, '-e', kClient, target, String(port)).then((said) => said.trim(), () => 'nothing');

const run = promisify(execFile);
/** What the command in the host says. */
export const inside = async (where: Host, ...words: string[]): Promise<string> =>
  (await run('nsenter', [`--net=/run/netns/${where}`, ...words])).stdout;

/** Whether the host gets an answer to one of three pings. */
export const pings = (where: Host, target: string, ...words: string[]): Promise<boolean> =>
  inside(where, 'ping', '-c', '3', '-i', '0.2', '-W', '1', ...words, target).then((said) => / [123] received/.test(said), () => false);
