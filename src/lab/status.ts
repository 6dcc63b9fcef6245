/** `dvr lab status`: what of the lab is there, as the kernel and the controller see it. */
import { DvrError } from '../model/errors.js';
import { type Cluster, type ClusterHealth, missingOf } from './cluster.js';
import { fabricNamespace } from './plan.js';
import { namespaceInode, roleHolders } from './processes.js';
import { type LabRecord, labTopologyFile, readPublished } from './record.js';
import { rolesOf } from './roles.js';

export interface LabStatus {
  readonly name: string;
  readonly topologyFile: string;
  readonly wire: string;
  readonly nodes: readonly { readonly name: string; readonly namespace: string; readonly vtepIp: string; readonly present: boolean }[];
  readonly vms: readonly { readonly name: string; readonly namespace: string; readonly node: string; readonly present: boolean; readonly state: string }[];
  readonly processes: readonly { readonly role: string; readonly pid: number | null }[];
  /** Namespaces inside nodes, under the names they have outside. */
  readonly published: readonly string[];
  /** All of it is there and every node has applied what the controller last said. */
  readonly converged: boolean;
  /** What is missing for that, in words. */
  readonly missing: readonly string[];
}

export async function labStatus(record: LabRecord, cluster: Cluster): Promise<LabStatus> {
  const { plan } = record;
  const running = roleHolders(record.id);
  const roles = ['supervisor', ...rolesOf(plan, labTopologyFile()).map((role) => role.name)];
  const processes = roles.map((role) => ({ role, pid: running.get(role) ?? null }));
  const present = (namespace: string): boolean => namespaceInode(namespace) !== undefined;
  const health = await healthOf(cluster);
  const stateOf = (port: string): string | undefined => health?.ports.find((one) => one.name === port)?.state;
  const absent = [fabricNamespace, ...[...plan.nodes, ...plan.vms].map((one) => one.namespace)].filter((name) => !present(name));
  const missing = [
    ...absent.map((name) => `namespace ${name}`),
    ...processes.filter(({ pid }) => pid === null).map(({ role }) => `process ${role}`),
    ...(health === undefined ? ['the controller does not answer'] : missingOf(plan, health)),
  ];
  return {
    name: record.name,
    topologyFile: record.topologyFile,
    wire: plan.wire,
    nodes: plan.nodes.map(({ name, namespace, vtepIp }) => ({ name, namespace, vtepIp, present: present(namespace) })),
    vms: plan.vms.map(({ name, namespace, node }) => (
      { name, namespace, node, present: present(namespace), state: stateOf(name) ?? 'unknown' })),
    processes,
    published: readPublished(),
    converged: missing.length === 0,
    missing,
  };
}

async function healthOf(cluster: Cluster): Promise<ClusterHealth | undefined> {
  try {
    return await cluster.status();
  } catch (error) {
    // That nobody answers is a fact to report here, not a failure of the report.
    if (error instanceof DvrError) return undefined;
    throw error;
  }
}
