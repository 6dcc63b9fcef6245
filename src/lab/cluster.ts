/**
 * What the lab needs of the controller. Implemented by the command line's client (cli/client.ts), so that
 * a VM of the lab is plugged in exactly as anyone else would plug it in.
 */
import { type LabPlan, type VmPlan } from './plan.js';
import { netnsDir } from './processes.js';

export interface Cluster {
  attach(port: string, plug: { readonly netns: string; readonly ifname: string; readonly node?: string }): Promise<unknown>;
  detach(port: string): Promise<unknown>;
  /** @throws DvrError DVR_CONTROLLER_UNREACHABLE */
  status(): Promise<ClusterHealth>;
}

/** The part of the controller's status that the lab looks at. */
export interface ClusterHealth {
  readonly nodes: readonly {
    readonly name: string;
    readonly connected: boolean;
    /** What the node has applied, and what it was told last. */
    readonly generation?: number;
    readonly viewGeneration: number;
    readonly errors: readonly { readonly code: string; readonly message: string }[];
  }[];
  readonly routers: readonly {
    readonly id: string;
    readonly gateway?: { readonly node?: string; readonly standby: readonly string[] };
  }[];
  readonly ports: readonly {
    readonly name: string;
    /** The UUID, and the node it is bound to. */
    readonly id: string;
    readonly node?: string;
    readonly ips: readonly string[];
    readonly state: string;
    readonly error?: string;
    readonly attachment?: { readonly netns?: string; readonly pid?: number };
  }[];
}

/** What the device of a VM's port is called inside. */
const vmDevice = 'eth0';

/** @param node where a port goes that is bound nowhere. */
export function attachVm(cluster: Cluster, vm: VmPlan, node?: string): Promise<unknown> {
  const plug = { netns: `${netnsDir}/${vm.namespace}`, ifname: vmDevice };
  return cluster.attach(vm.port, { ...plug, ...(node === undefined ? {} : { node }) });
}

/** What keeps the lab from being whole, in words; nothing when all nodes have all they need. Pure. */
export function missingOf(plan: LabPlan, health: ClusterHealth): string[] {
  const nodes = plan.nodes.flatMap(({ name }) => {
    const node = health.nodes.find((one) => one.name === name);
    if (node?.connected !== true) return [`the agent of ${name} is not connected`];
    if (node.errors.length > 0) return node.errors.map(({ message }) => `${name}: ${message}`);
    return (node.generation ?? 0) >= node.viewGeneration ? [] : [`${name} is still at work`];
  });
  const ports = plan.vms.flatMap(({ port }) => {
    const { state, error } = health.ports.find((one) => one.name === port) ?? { state: 'unknown' };
    return state === 'up' ? [] : [`port ${port} is ${state}${error === undefined ? '' : `: ${error}`}`];
  });
  const gateways = health.routers
    .filter(({ gateway }) => gateway !== undefined && gateway.node === undefined && gateway.standby.length > 0)
    .map(({ id }) => `nobody is elected for the gateway of ${id}`);
  return [...nodes, ...ports, ...gateways];
}

/** Ports plugged into namespaces that are not the lab's: only those need unplugging before the end. */
export function foreignPorts(plan: LabPlan, health: ClusterHealth): string[] {
  const own = new Set(plan.vms.map((vm) => `${netnsDir}/${vm.namespace}`));
  return health.ports.filter(({ attachment }) => attachment !== undefined && !own.has(attachment.netns ?? '')).map(({ name }) => name);
}
