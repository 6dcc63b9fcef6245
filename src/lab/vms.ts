/**
 * VMs beside those of the topology: `dvr lab vm add` plugs one into a port that any client has made, and
 * `dvr lab vm remove` takes it away again. They are in the lab's record, so that `up` repairs them and `down` ends them.
 */
import { DvrError } from '../model/errors.js';
import { parseName } from '../model/identifiers.js';
import { attachVm, type Cluster, type ClusterHealth } from './cluster.js';
import { namespacePrefix, namespacesOf, refuseSharedNames, type VmPlan } from './plan.js';
import { type LabRecord, writeRecord } from './record.js';
import { runScript } from './scripts.js';

export interface VmWish {
  /** The port: its name inside, or its UUID. */
  readonly port: string;
  /** Default: as the port is called. */
  readonly name?: string;
  /** Default: where the port is bound. */
  readonly node?: string;
}

/** A lab is for looking at, on one machine. */
const MAX_VMS = 1_000;

/** @throws DvrError and then the VM is not there. */
export async function addVm(record: LabRecord, cluster: Cluster, wish: VmWish): Promise<VmPlan> {
  const port = portIn(await cluster.status(), wish.port);
  const vm = planVm(record, port, wish);
  const plan = { ...record.plan, vms: [...record.plan.vms, vm] };
  refuseSharedNames(plan);
  const grown = { ...record, plan };
  // Written first: whatever happens then, `down` takes it away.
  writeRecord(grown);
  try {
    await runScript('vm', 'up', vm.name, ...(vm.ipv6 ? ['--ipv6'] : []));
    await attachVm(cluster, vm, vm.node);
  } catch (cause) {
    await runScript('vm', 'down', vm.name);
    writeRecord(record);
    throw cause;
  }
  return vm;
}

/** Unplugs the port, which stays, and ends the VM. @throws DvrError */
export async function removeVm(record: LabRecord, cluster: Cluster, name: string): Promise<void> {
  const vm = record.plan.vms.find((one) => one.name === name);
  if (vm === undefined)
    throw new DvrError(
      'DVR_NOT_FOUND',
      `the lab has no VM "${name}"`,
      `it has ${record.plan.vms.map((one) => one.name).join(', ')}`,
    );
  const isThere = (await cluster.status()).ports.some(
    (port) => port.name === vm.port && port.attachment !== undefined,
  );
  if (isThere) await cluster.detach(vm.port);
  await runScript('vm', 'down', vm.name);
  writeRecord({ ...record, plan: { ...record.plan, vms: record.plan.vms.filter((one) => one !== vm) } });
}

type PortHealth = ClusterHealth['ports'][number];

function portIn({ ports }: ClusterHealth, text: string): PortHealth {
  const port = ports.find(({ name, id }) => name === text || id === text);
  if (port !== undefined) return port;
  const known = ports
    .slice(0, 10)
    .map(({ name }) => name)
    .join(', ');
  throw new DvrError(
    'DVR_NOT_FOUND',
    `no port is named "${text}" or has that UUID`,
    known === '' ? 'there are none' : `there are ${known}`,
  );
}

function planVm(
  { plan }: LabRecord,
  port: PortHealth,
  { name = port.name, node = port.node }: VmWish,
): VmPlan {
  if (parseName(name) === undefined)
    throw new DvrError('DVR_USAGE', `"${name}" cannot be a VM's name`, 'give another one: --name web');
  if (plan.vms.some((vm) => vm.port === port.name))
    throw new DvrError('DVR_CONFLICT', `the lab has a VM in port ${port.name} already`, `see dvr lab status`);
  if (namespacesOf(plan).includes(namespacePrefix + name))
    throw new DvrError(
      'DVR_CONFLICT',
      `the lab has something called ${name} already`,
      'give the VM another name: --name web',
    );
  if (plan.vms.length >= MAX_VMS)
    throw new DvrError(
      'DVR_CONFLICT',
      `the lab has ${MAX_VMS} VMs, which is all it takes`,
      'remove some: dvr lab vm remove NAME',
    );
  if (node === undefined || !plan.nodes.some((one) => one.name === node))
    throw new DvrError(
      'DVR_USAGE',
      node === undefined ? `port ${port.name} is bound to no node` : `the lab has no node ${node}`,
      `say where: --node ${plan.nodes.map((one) => one.name).join(' | ')}`,
    );
  return {
    name,
    port: port.name,
    namespace: namespacePrefix + name,
    node,
    ipv6: port.ips.some((ip) => ip.includes(':')),
  };
}
