/**
 * keepalived of Debian in VMs of the lab: VRRP as people run it, with an address of IPv4 and one of IPv6. Its
 * advertisements are quick, so that what a test waits for is mostly the cloud.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { mustBeZero, within } from './cloud.js';
import type { Lab } from './lab.js';

export interface Instance {
  /** The virtual router's number, which is in its virtual MAC too. */
  readonly vrid: number;
  readonly usesVirtualMac: boolean;
  readonly ip: string;
  readonly ip6: string;
}

export const virtualMac = ({ vrid }: Pick<Instance, 'vrid'>): string => `00:00:5e:00:01:${vrid.toString(16).padStart(2, '0')}`;

const textOf = (vm: string, priority: number, { vrid, usesVirtualMac, ip, ip6 }: Instance): string => `
global_defs { router_id ${vm} vrrp_version 3 }
vrrp_instance shared {
  state BACKUP
  interface eth0
  virtual_router_id ${vrid}
  priority ${priority}
  advert_int 0.2
  ${usesVirtualMac ? `use_vmac vrrp.${vrid}` : ''}
  virtual_ipaddress { ${ip} }
  virtual_ipaddress_excluded { ${ip6} }
}
`.replace(/\{ router_id (\S+) /, '{\n  router_id $1\n  ');

/** One VM's keepalived. */
export class Keepalived {
  private constructor(readonly vm: string, private readonly process: ChildProcess, private readonly pidFile: string) {}

  /** Starts it; who is master is then VRRP's to say: the one with the higher priority. */
  static async start(lab: Lab, folder: string, vm: string, priority: number, instance: Instance): Promise<Keepalived> {
    const file = join(folder, `${vm}.conf`);
    const pidFile = join(folder, `${vm}.vrrp.pid`);
    writeFileSync(file, textOf(vm, priority, instance));
    const words = ['keepalived', '--vrrp', '--dont-fork', '--log-console', `--use-file=${file}`, `--pid=${join(folder, `${vm}.pid`)}`, `--vrrp_pid=${pidFile}`];
    const child = await lab.start(vm, ['sh', '-c', `echo ready; exec ${words.join(' ')}`]);
    const started = new Keepalived(vm, child, pidFile);
    await within(`keepalived of ${vm} runs`, () => Promise.resolve(started.pids().length === 2));
    return started;
  }

  /** As an operator does: it takes its addresses away. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** At one blow, and its addresses stay where they are. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** It is frozen, as a VM that is paused. */
  pause(): void { this.signal('SIGSTOP'); }
  resume(): void { this.signal('SIGCONT'); }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const closed = new Promise((done) => { this.process.once('close', done); });
    // The parent would start another child, or the child would tidy up when the parent is gone.
    if (signal === 'SIGKILL') this.signal('SIGSTOP');
    this.signal(signal);
    await closed;
  }

  private signal(signal: NodeJS.Signals): void {
    for (const pid of this.pids()) process.kill(pid, signal);
  }

  /** The parent, then the child that speaks VRRP. */
  private pids(): number[] {
    try {
      return [this.process.pid ?? 0, Number(readFileSync(this.pidFile, 'utf8'))].filter((pid) => pid > 0);
    } catch {
      return [];
    }
  }
}

const kNamePort = 7010;
const server = (name: string): string =>
  `require('net').createServer((s)=>{s.on('error',()=>{});s.end('${name}')}).listen(${kNamePort},()=>console.log('ready'))`;
const client = (address: string): string =>
  `const s=require('net').connect(${kNamePort},'${address}');s.on('error',()=>{});s.on('data',(m)=>console.log(String(m)));`
  + 'setTimeout(()=>process.exit(0),500).unref();s.on(\'close\',()=>process.exit(0))';

/** Lets a VM say its name to whoever connects to one of its addresses. */
export const answerWithName = async (lab: Lab, vm: string): Promise<void> => {
  await lab.start(vm, [process.execPath, '-e', server(vm)]);
};

/** The name of the VM that answers at the address; empty where none does. */
export const whoAnswers = async (lab: Lab, from: string, address: string): Promise<string> =>
  mustBeZero(await lab.exec(from, [process.execPath, '-e', client(address)])).stdout.trim();
