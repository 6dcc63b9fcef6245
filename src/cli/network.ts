/** `dvr network`: tenants' networks over VXLAN, and external ones on a provider's wire. */
import type { Command } from 'commander';
import { create, resourceCommand, textOf, type ResourceKind, type Shown } from './networking.js';

export const networkKind: ResourceKind = {
  word: 'network',
  singular: 'network',
  plural: 'networks',
  about: 'networks: of tenants, and outside',
  columns: {
    NAME: ({ name }) => textOf(name),
    UUID: ({ id }) => id,
    TYPE: (one) => textOf(one['provider:network_type']),
    VNI: (one) => textOf(one['provider:segmentation_id']),
    MTU: ({ mtu }) => textOf(mtu),
    EXTERNAL: (one) => (one['router:external'] === true ? 'yes' : 'no'),
  },
  example: 'create red && dvr subnet create red 10.1.0.0/24',
};

interface Options extends Shown {
  readonly vni?: string;
  readonly mtu?: string;
  readonly external?: string;
  readonly vlan?: string;
}

export function register(program: Command): void {
  resourceCommand(program, networkKind)(
    'create <name>',
    'a new network',
    'create ext --external physnet1 --vlan 500',
  )
    .option('--vni <vni>', 'its VXLAN network identifier; without it, a free one')
    .option('--mtu <bytes>', 'without it, all that the underlay leaves')
    .option('--external <physical-network>', 'it lies outside, on this wire')
    .option('--vlan <id>', 'of an external network; without it, untagged')
    .action(async (name: string, { vni, mtu, external, vlan, json }: Options) => {
      const outside = {
        'router:external': true,
        'provider:network_type': vlan === undefined ? 'flat' : 'vlan',
        'provider:physical_network': external,
        'provider:segmentation_id': vlan,
      };
      const inside = { 'provider:segmentation_id': vni };
      await create(
        networkKind,
        { name, mtu, ...(external === undefined ? inside : outside) },
        { ...(json === true ? { json } : {}) },
      );
    });
}
