/**
 * The same picture with Open vSwitch in user space (netdev datapath), one switch per node, routing by flows.
 *
 *     ovs-vm1                        ovs-cn1
 *       eth0 ─── br-int ─── vx0 (vxlan, flow-based) ─── br-phy ─── u0 ══ underlay
 *
 *   ovs        VMs' devices are TAPs that the switch opens (type internal); u0 through AF_PACKET
 *   ovs-afxdp  VMs' devices are veths and, like u0, reached through AF_XDP (afxdp-nonpmd: no busy CPU)
 *
 * What an operator would set is set: every flow enters the exact-match cache, tunnel neighbours are static.
 * Devices that the switch reaches through packet sockets or AF_XDP have no offloads: it cannot take
 * super-frames or unfinished checksums from them.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Commands, inside, kNoTimeout, type Running } from '../commands.js';
import { named, type Picture, type PictureNode, type PictureVm } from '../picture.js';
import { type Command, fabricCommands, ip, namespaceCommands, namespaceOf, vmCommands } from './fabric.js';
import { flowsOf, kTunnelPort, ofPortOf } from './ovs-flows.js';
import type { Peer } from './peer.js';

export type OvsName = 'ovs' | 'ovs-afxdp';

const kSchema = '/usr/share/openvswitch/vswitch.ovsschema';
const kSocketWaitTenths = 100;
/** A day: neighbours of the tunnel are told, not asked for. */
const kAgingSeconds = '86400';

export function ovsPeer(name: OvsName, commands: Commands, picture: Picture): Peer {
  const peer = new Ovs(name, commands, picture);
  return {
    name,
    title: `Open vSwitch in user space, ${name === 'ovs' ? 'TAP' : 'AF_XDP'} ports, routing by flows`,
    leadsOutside: false,
    namespaceOf: (vm) => namespaceOf(name, vm),
    missing: () => peer.missing(),
    up: () => peer.up(),
    down: () => peer.down(),
  };
}

class Ovs {
  readonly #daemons: Running[] = [];
  readonly #runDir: string;
  readonly #portType: string;

  constructor(readonly name: OvsName, readonly commands: Commands, readonly picture: Picture) {
    this.#runDir = `/run/dvr-bench/${name}`;
    this.#portType = name === 'ovs' ? 'system' : 'afxdp-nonpmd';
  }

  async missing(): Promise<string | undefined> {
    const version = await this.commands.try(['ovs-vswitchd', '--version']).catch(() => undefined);
    if (version?.code === 0) return undefined;
    return 'openvswitch-switch is not installed (apt-get install openvswitch-switch)';
  }

  async up(): Promise<void> {
    const { picture } = this;
    await this.#all(fabricCommands(this.name, picture));
    for (const vm of picture.vms) await this.#all(namespaceCommands(this.#at(vm.name)));
    for (const node of picture.nodes) await this.#startNode(node);
    for (const vm of picture.vms) await this.#plug(vm);
    for (const node of picture.nodes) await this.#program(node);
  }

  async down(): Promise<void> {
    for (const daemon of this.#daemons.splice(0)) await daemon.stop();
    for (const { name } of [...this.picture.vms, ...this.picture.nodes, { name: 'fabric' }]) {
      await this.commands.try(['ip', 'netns', 'delete', this.#at(name)]);
    }
    rmSync(this.#runDir, { recursive: true, force: true });
  }

  /** Database and switch of a node, and its two bridges with the underlay and the tunnel. */
  async #startNode(node: PictureNode): Promise<void> {
    const dir = this.#dir(node.name);
    mkdirSync(dir, { recursive: true });
    await this.commands.run(['ovsdb-tool', 'create', `${dir}/conf.db`, kSchema]);
    await this.#daemon(node, 'ovsdb-server', `${dir}/conf.db`, `--remote=punix:${dir}/db.sock`);
    await this.#vsctl(node.name, '--no-wait', 'init');
    const cacheEveryFlow = 'other_config:emc-insert-inv-prob=1';
    await this.#vsctl(node.name, '--no-wait', 'set', 'Open_vSwitch', '.', cacheEveryFlow);
    await this.#daemon(node, 'ovs-vswitchd', `unix:${dir}/db.sock`);
    await this.#withoutOffloads(node.name, 'u0');
    await this.#withoutOffloads('fabric', node.name);
    await this.#addUnderlay(node);
    await this.#vsctl(node.name, 'add-br', 'br-int',
      '--', 'set', 'bridge', 'br-int', 'datapath_type=netdev', 'fail_mode=secure',
      'protocols=OpenFlow10,OpenFlow15',
      '--', 'add-port', 'br-int', 'vx0',
      '--', 'set', 'interface', 'vx0', 'type=vxlan', `ofport_request=${kTunnelPort}`, 'options:remote_ip=flow',
      'options:key=flow', `options:local_ip=${node.vtep}`, 'options:dst_port=4789');
  }

  async #addUnderlay(node: PictureNode): Promise<void> {
    await this.#vsctl(node.name, 'add-br', 'br-phy',
      '--', 'set', 'bridge', 'br-phy', 'datapath_type=netdev', 'fail_mode=standalone',
      `other_config:hwaddr="${bridgeMac(node)}"`,
      '--', 'add-port', 'br-phy', 'u0', '--', 'set', 'interface', 'u0', `type=${this.#portType}`,
      '--', 'set', 'interface', 'br-phy', `mtu_request=${this.picture.underlayMtuBytes}`);
    await this.#all([
      ip(this.#at(node.name), 'link', 'set', 'br-phy', 'up'),
      ip(this.#at(node.name), 'address', 'add', `${node.vtep}/${node.prefixBits}`, 'dev', 'br-phy'),
    ]);
  }

  async #plug(vm: PictureVm): Promise<void> {
    const mtu = `${named(this.picture.networks, vm.network).mtuBytes}`;
    const port = `ofport_request=${ofPortOf(this.picture, vm)}`;
    const [node, guest] = [this.#at(vm.node), this.#at(vm.name)];
    if (this.name === 'ovs') {
      await this.#addPort(vm, 'type=internal', port, `mtu_request=${mtu}`);
      await this.#all([ip(node, 'link', 'set', vm.name, 'netns', guest, 'name', 'eth0')]);
    } else {
      await this.#all([
        ip(node, 'link', 'add', vm.name, 'mtu', mtu, 'type', 'veth',
          'peer', 'name', 'eth0', 'mtu', mtu, 'netns', guest),
        ip(node, 'link', 'set', vm.name, 'up'), ip(guest, 'link', 'set', 'eth0', 'up'),
      ]);
      await this.#withoutOffloads(vm.name, 'eth0');
      await this.#withoutOffloads(vm.node, vm.name);
      await this.#addPort(vm, `type=${this.#portType}`, port);
    }
    await this.#all(vmCommands(this.name, this.picture, vm));
  }

  #addPort({ node, name }: PictureVm, ...settings: readonly string[]): Promise<string> {
    return this.#vsctl(node, 'add-port', 'br-int', name, '--', 'set', 'interface', name, ...settings);
  }

  async #program(node: PictureNode): Promise<void> {
    const dir = this.#dir(node.name);
    const appctl = ['ovs-appctl', '-t', `${dir}/ovs-vswitchd.ctl`];
    for (const other of this.picture.nodes.filter((one) => one !== node)) {
      await this.commands.run([...appctl, 'tnl/neigh/set', 'br-phy', other.vtep, bridgeMac(other)]);
    }
    await this.commands.try([...appctl, 'tnl/neigh/aging', kAgingSeconds]);
    writeFileSync(`${dir}/flows`, `${flowsOf(this.picture, node).join('\n')}\n`);
    const ofctl = ['ovs-ofctl', '-O', 'OpenFlow15'];
    await this.commands.run([...ofctl, 'replace-flows', `unix:${dir}/br-int.mgmt`, `${dir}/flows`]);
  }

  /** Runs in the foreground, so that it ends with the bench; ready when its control socket is there. */
  async #daemon(node: PictureNode, program: string, ...words: readonly string[]): Promise<void> {
    const dir = this.#dir(node.name);
    const control = `${dir}/${program}.ctl`;
    const log = `${dir}/${program}.log`;
    const daemon = ['env', `OVS_RUNDIR=${dir}`, program, ...words, `--unixctl=${control}`,
      `--pidfile=${dir}/${program}.pid`, `--log-file=${log}`, '-vconsole:off', '--no-chdir'];
    // `ip netns exec` and not nsenter: the switch looks for its devices in /sys.
    const argv = ['ip', 'netns', 'exec', this.#at(node.name), ...daemon];
    this.#daemons.push(await this.commands.start(argv, { timeoutMs: kNoTimeout }));
    const isReady = async (): Promise<boolean> =>
      (await this.commands.try(['ovs-appctl', '-t', control, 'version'])).code === 0;
    for (let tenth = 0; !(await isReady()); ++tenth) {
      if (tenth >= kSocketWaitTenths) throw new Error(`${program} did not come up: ${logEnd(log)}`);
      await sleep(100, undefined, { signal: this.commands.signal });
    }
  }

  #vsctl(node: string, ...words: readonly string[]): Promise<string> {
    return this.commands.run(['ovs-vsctl', `--db=unix:${this.#dir(node)}/db.sock`, '--timeout=30', ...words]);
  }

  async #withoutOffloads(place: string, device: string): Promise<void> {
    const words = ['tx', 'rx', 'tso', 'gso', 'gro'].flatMap((feature) => [feature, 'off']);
    await this.commands.run(inside(this.#at(place), 'ethtool', '-K', device, ...words));
  }

  async #all(commands: readonly Command[]): Promise<void> {
    for (const command of commands) await this.commands.run(command);
  }

  #at(place: string): string { return namespaceOf(this.name, place); }
  #dir(node: string): string { return `${this.#runDir}/${node}`; }
}

/** The log goes with the namespace it is in, so its end is told. */
const logEnd = (file: string): string => readFileSync(file, 'utf8').slice(-600);

/** br-phy has a MAC of its own beside that of u0. */
const bridgeMac = ({ mac }: PictureNode): string => mac.replace(/^02:bb/, '02:bc');
