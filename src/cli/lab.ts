/** `dvr lab`: the whole picture on one machine, with fake nodes for real ones. */
import type { Command } from 'commander';
import { takeDown } from '../lab/down.js';
import { execAt } from '../lab/exec.js';
import { noLab, readRecord, requireRecord } from '../lab/record.js';
import { runningLab } from '../lab/running-lab.js';
import { serve } from '../lab/serve.js';
import { type LabStatus, labStatus } from '../lab/status.js';
import { supervise } from '../lab/supervisor.js';
import { addVm, removeVm, type VmWish } from '../lab/vms.js';
import { bringUp } from '../lab/up.js';
import { DvrError } from '../model/errors.js';
import { parseName, nameRule } from '../model/identifiers.js';
import { controllerClient } from './client.js';
import { columns, print, progress } from './output.js';

const cluster = controllerClient();
/** Something needed is not running, as for every command that misses something. */
const kNotWhole = 5;

interface Shown { readonly json?: true }

export function register(program: Command): void {
  const lab = program.command('lab').description('fake nodes and VMs on this machine')
    .addHelpText('after', '\nExample:\n  dvr lab up && dvr lab exec vm1 -- ping 10.2.0.12\n');
  registerUpAndDown(lab);
  lab.command('status').description('what of the lab is there')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr lab status --json\n')
    .action(status);
  lab.command('exec').description('run a command in a node, a VM, the fabric or outside')
    .argument('<name>', 'cn1, vm1, fabric, ext …')
    .argument('<command...>', 'the command and its arguments, after --')
    .option('--json', 'before NAME: print an error as JSON; what the command prints is its own')
    .passThroughOptions()
    .addHelpText('after', '\nExample:\n  dvr lab exec cn1 -- tcpdump -e -n -i br-int\n')
    .action(exec);
  registerVms(lab);
  lab.command('serve', { hidden: true }).action(serve);
  lab.command('supervise', { hidden: true }).action(supervise);
}

function registerUpAndDown(lab: Command): void {
  lab.command('up').description('bring the lab up, or repair what is missing of it')
    .argument('[topology]', 'YAML file; without it, the picture of the README')
    .option('--name <name>', 'name of the lab', 'lab')
    .option('--controllers <count>', 'how many controllers; several share an etcd', Number)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr lab up my-topology.yaml\n')
    .action(up);
  lab.command('down').description('take the lab down: processes, namespaces, state')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr lab down\n')
    .action(down);
}

function registerVms(lab: Command): void {
  const vm = lab.command('vm').description('VMs beside those of the topology')
    .addHelpText('after', '\nExample:\n  dvr lab vm add --port web1 --node cn1\n');
  vm.command('add').description('a VM in a port that any client has made')
    .requiredOption('--port <port>', 'its name or UUID')
    .option('--name <name>', 'what the VM is called; without it, as the port')
    .option('--node <node>', 'the node it is on; without it, where the port is bound')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr lab vm add --port web1 --node cn1 && dvr lab exec web1 -- ip addr\n')
    .action(async ({ json, ...wish }: Shown & VmWish) => {
      const added = await addVm(requireRecord(), cluster, wish);
      print(json, added, () => `VM ${added.name} is plugged in on ${added.node}: dvr lab exec ${added.name} -- ip addr`);
    });
  vm.command('remove').description('unplug a VM and end it; its port stays')
    .argument('<name>', 'as `dvr lab status` has it')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr lab vm remove web1\n')
    .action(async (name: string, { json }: Shown) => {
      await removeVm(requireRecord(), cluster, name);
      print(json, { removed: name }, () => `VM ${name} is gone`);
    });
}

interface UpWish extends Shown { readonly name: string; readonly controllers?: number }

async function up(topologyFile: string | undefined, options: UpWish): Promise<void> {
  if (parseName(options.name) === undefined) throw new DvrError('DVR_USAGE', `"${options.name}" is no name`, nameRule);
  const { record, wasUp } = await bringUp({
    name: options.name, cluster, progress: (line) => { progress(`lab: ${line}`); }, ...(topologyFile === undefined ? {} : { topologyFile }),
    ...(options.controllers === undefined ? {} : { controllers: options.controllers }),
  });
  if (wasUp) progress(`lab "${record.name}" was up already`);
  const now = await labStatus(record, cluster);
  print(options.json, now, () => statusText(now));
}

async function down(options: Shown): Promise<void> {
  const record = readRecord();
  // Without any lab the wish is fulfilled; with one elsewhere it is not.
  if (record === undefined && runningLab() !== undefined) throw noLab();
  const left = record === undefined ? [] : await takeDown(record, cluster);
  if (left.length > 0) {
    throw new DvrError('DVR_SCRIPT_FAILED', `left behind: ${left.join(', ')}`, 'run `dvr lab down` again');
  }
  const text = record === undefined ? 'no lab is up' : `lab "${record.name}" is down; nothing is left`;
  print(options.json, { down: true, lab: record?.name ?? null, leftovers: left }, () => text);
}

async function status(options: Shown): Promise<void> {
  const now = await labStatus(requireRecord(), cluster);
  print(options.json, now, () => statusText(now));
  if (!now.converged) process.exitCode = kNotWhole;
}

async function exec(name: string, command: readonly string[]): Promise<void> {
  // What passes options through passes the separator through as well.
  process.exitCode = await execAt(requireRecord(), name, command[0] === '--' ? command.slice(1) : command);
}

function statusText(status: LabStatus): string {
  const pidOf = (role: string): string => {
    const holder = status.processes.find((one) => one.role === role);
    return String(holder?.pid ?? (holder?.running === true ? 'running' : 'not running'));
  };
  const nodes = columns([['NODE', 'NAMESPACE', 'VTEP', 'DATAPLANE', 'AGENT', 'ROUTERS'], ...status.nodes.map((node) => [
    node.name, node.present ? node.namespace : 'absent', node.vtepIp, pidOf(`dataplane ${node.name}`), pidOf(`agent ${node.name}`),
    status.published.filter((name) => name.startsWith(`${node.namespace}-`)).join(' ') || '-',
  ])]);
  const vms = columns([['VM', 'NAMESPACE', 'NODE', 'PORT'], ...status.vms.map((vm) => [
    vm.name, vm.present ? vm.namespace : 'absent', vm.node, vm.state,
  ])]);
  const outside = status.outside.length === 0 ? [] : ['', columns([['OUTSIDE', 'NAMESPACE', 'ADDRESSES'], ...status.outside.map((place) => [
    place.name, place.present ? place.namespace : 'absent', place.addresses.join(' '),
  ])])];
  const verdict = status.converged ? 'everything is in place' : `missing: ${status.missing.join(', ')}`;
  const head = `lab "${status.name}" (supervisor ${pidOf('supervisor')}, controller ${pidOf('controller')}): ${verdict}`;
  return [head, '', nodes, '', vms, ...outside].join('\n');
}
