/** `dvr lab status`: what of the lab is there, as the kernel and the controller see it. */
import { DvrError } from '../model/errors.js';
import { type Cluster, type ClusterHealth, missingOf } from './cluster.js';
import { answers } from './keeper.js';
import { farHost, hostNamespace, upstreamNamespace } from './outside.js';
import { type LabPlan, namespacePrefix, namespacesOf } from './plan.js';
import { findTitled, namespaceInode, roleHolders } from './processes.js';
import { type LabRecord, labTopologyFile, readPublished } from './record.js';
import { type Role, rolesOf } from './roles.js';

interface Place {
  readonly name: string;
  readonly namespace: string;
  readonly present: boolean;
}

export interface LabStatus {
  readonly name: string;
  readonly topologyFile: string;
  readonly wire: string;
  readonly nodes: readonly (Place & { readonly vtepIp: string })[];
  readonly vms: readonly (Place & { readonly node: string; readonly state: string })[];
  /** The host outside and what it is called there; none where there is no external network. */
  readonly outside: readonly (Place & { readonly addresses: readonly string[] })[];
  /** Who holds which role, as the keeper sees it: a process of the lab, or one that took its place by hand. */
  readonly processes: readonly { readonly role: string; readonly running: boolean; readonly pid: number | null }[];
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
  const roles: readonly Pick<Role, 'name' | 'node' | 'socket'>[] =
    [{ name: 'supervisor' }, ...rolesOf(plan, labTopologyFile(), record.controllers)];
  const processes = await Promise.all(roles.map((role) => holderOf(role, running.get(role.name))));
  const present = (namespace: string): boolean => namespaceInode(namespace) !== undefined;
  const health = await healthOf(cluster);
  const stateOf = (port: string): string | undefined => health?.ports.find((one) => one.name === port)?.state;
  const absent = namespacesOf(plan).filter((name) => !present(name));
  const missing = [
    ...absent.map((name) => `namespace ${name}`),
    ...processes.filter((one) => !one.running).map(({ role }) => `process ${role}`),
    ...(health === undefined ? ['the controller does not answer'] : missingOf(plan, health)),
  ];
  return {
    name: record.name,
    topologyFile: record.topologyFile,
    wire: plan.wire,
    nodes: plan.nodes.map(({ name, namespace, vtepIp }) => ({ name, namespace, vtepIp, present: present(namespace) })),
    vms: plan.vms.map(({ name, namespace, node }) => (
      { name, namespace, node, present: present(namespace), state: stateOf(name) ?? 'unknown' })),
    outside: outsidePlaces(plan).map((place) => ({ ...place, present: present(place.namespace) })),
    processes,
    published: readPublished(),
    converged: missing.length === 0,
    missing,
  };
}

function outsidePlaces({ outside }: LabPlan): Omit<LabStatus['outside'][number], 'present'>[] {
  if (outside === undefined) return [];
  const hosts = outside.subnets.flatMap(({ host }) => host ?? []);
  return [
    { name: 'ext', namespace: hostNamespace, addresses: [...hosts, farHost] },
    { name: 'upstream', namespace: upstreamNamespace, addresses: outside.subnets.map(({ gateway }) => gateway) },
  ];
}

/** Whoever answers at a role's socket holds it, also when nobody of the lab started it. */
async function holderOf(
  { name, node, socket }: Pick<Role, 'name' | 'node' | 'socket'>, own: number | undefined,
): Promise<LabStatus['processes'][number]> {
  if (own !== undefined) return { role: name, running: true, pid: own };
  if (socket === undefined || !(await answers(socket))) return { role: name, running: false, pid: null };
  const network = node === undefined ? undefined : namespaceInode(namespacePrefix + node);
  return { role: name, running: true, pid: findTitled(`dvr ${name}`, network) ?? null };
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
