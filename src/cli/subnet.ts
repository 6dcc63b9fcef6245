/** `dvr subnet`: prefixes of networks. */
import type { Command } from 'commander';
import { networkKind } from './network.js';
import { create, found, resourceCommand, textOf, type ResourceKind, type Shown } from './networking.js';

export const subnetKind: ResourceKind = {
  word: 'subnet',
  singular: 'subnet',
  plural: 'subnets',
  about: 'subnets: prefixes of networks',
  columns: {
    NAME: ({ name }) => textOf(name),
    UUID: ({ id }) => id,
    CIDR: ({ cidr }) => textOf(cidr),
    GATEWAY: (one) => textOf(one['gateway_ip']),
  },
  example: 'create red 10.1.0.0/24',
};

interface Options extends Shown {
  readonly name?: string;
  readonly gateway?: string;
  readonly pool?: string;
  readonly ipv6?: string;
}

export function register(program: Command): void {
  resourceCommand(program, subnetKind)(
    'create <network> <cidr>',
    'a prefix of a network',
    'create ext 203.0.113.0/24 --pool 203.0.113.20-203.0.113.99',
  )
    .option('--name <name>', 'what it is called')
    .option('--gateway <ip>', 'without it, the first address; "none": there is none')
    .option('--pool <first-last>', 'what is given out; without it, all that is free')
    .option('--ipv6 <mode>', 'how routers advertise it: slaac or dhcpv6-stateful')
    .action(async (network: string, cidr: string, { name, gateway, pool, ipv6, json }: Options) => {
      const { id } = await found(networkKind, network);
      const [start, end] = pool?.split('-') ?? [];
      const fields = {
        network_id: id,
        cidr,
        ip_version: cidr.includes(':') ? 6 : 4,
        name,
        gateway_ip: gateway === 'none' ? null : gateway,
        allocation_pools: pool === undefined ? undefined : [{ start, end }],
        ipv6_ra_mode: ipv6,
        ipv6_address_mode: ipv6,
      };
      await create(subnetKind, fields, { ...(json === true ? { json } : {}) });
    });
}
