/** `dvr router`: distributed routers, what they join, and their way out. */
import type { Command } from 'commander';
import { networkKind } from './network.js';
import {
  change,
  create,
  found,
  networking,
  resourceCommand,
  textOf,
  type ResourceKind,
  type Shown,
} from './networking.js';
import { print } from './output.js';
import { subnetKind } from './subnet.js';

const routerKind: ResourceKind = {
  word: 'router',
  singular: 'router',
  plural: 'routers',
  about: 'routers: one on every node that needs it',
  columns: {
    NAME: ({ name }) => textOf(name),
    UUID: ({ id }) => id,
    ROUTING: (one) => textOf(one['dvr:routing']),
    'SNAT PATH': (one) => textOf(one['dvr:snat_path']),
    GATEWAY: (one) => gatewayText(one['external_gateway_info'] as GatewayInfo | null),
  },
  example: 'create r1 --gateway ext && dvr router add r1 10.1.0.0/24',
};

interface GatewayInfo {
  readonly external_fixed_ips: readonly { readonly ip_address: string }[];
}

const gatewayText = (info: GatewayInfo | null): string =>
  textOf(info?.external_fixed_ips.map((one) => one.ip_address).join(' '));

interface Options extends Shown {
  readonly gateway?: string;
  readonly snat?: boolean;
  readonly snatPath?: string;
  readonly routing?: string;
}

export function register(program: Command): void {
  const add = resourceCommand(program, routerKind);
  options(add('create <name>', 'a new router', 'create r1 --gateway ext')).action(
    async (name: string, wish: Options) => {
      await create(routerKind, { name, ...(await fieldsOf(wish)) }, wish);
    },
  );
  options(
    add('set <router>', 'change its way out, or how it routes', 'set r1 --gateway ext --snat-path direct'),
  ).action(async (name: string, wish: Options) => {
    await change(routerKind, (await found(routerKind, name)).id, await fieldsOf(wish), wish);
  });
  for (const verb of ['add', 'remove'] as const)
    add(
      `${verb} <router> <subnet>`,
      verb === 'add' ? 'join a subnet, as its gateway' : 'leave a subnet',
      `${verb} r1 10.1.0.0/24`,
    ).action(async (name: string, subnet: string, { json }: Shown) => {
      const [router, { id }] = [await found(routerKind, name), await found(subnetKind, subnet)];
      const answer = await networking('PUT', `/routers/${router.id}/${verb}_router_interface`, {
        subnet_id: id,
      });
      print(json, answer, () => `router ${name} ${verb === 'add' ? 'has joined' : 'has left'} ${subnet}`);
    });
}

const options = (command: Command): Command =>
  command
    .option('--gateway <network>', 'the external network it goes out by; "none": it does not')
    .option('--no-snat', 'private addresses go outside as they are')
    .option('--snat-path <path>', 'router or direct')
    .option('--routing <mode>', 'auto, namespace or fast');

async function fieldsOf({ gateway, snat, snatPath, routing }: Options): Promise<object> {
  return {
    external_gateway_info: await gatewayOf(gateway, snat),
    'dvr:snat_path': snatPath,
    'dvr:routing': routing,
  };
}

async function gatewayOf(
  gateway: string | undefined,
  snat: boolean | undefined,
): Promise<object | null | undefined> {
  if (gateway === undefined) return undefined;
  return gateway === 'none'
    ? null
    : { network_id: (await found(networkKind, gateway)).id, enable_snat: snat ?? true };
}
