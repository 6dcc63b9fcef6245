/** `dvr floating-ip`: outside addresses, each a port's of its own or kept for later. */
import type { Command } from 'commander';
import { networkKind } from './network.js';
import {
  change,
  create,
  found,
  resourceCommand,
  textOf,
  type ResourceKind,
  type Shown,
} from './networking.js';

const floatingIpKind: ResourceKind = {
  word: 'floating-ip',
  singular: 'floatingip',
  plural: 'floatingips',
  about: 'floating IPs: outside addresses of ports',
  columns: {
    ADDRESS: (one) => textOf(one['floating_ip_address']),
    UUID: ({ id }) => id,
    'FIXED IP': (one) => textOf(one['fixed_ip_address']),
    PLACEMENT: (one) => textOf(one['dvr:placement']),
    STATUS: ({ status }) => textOf(status),
  },
  example: 'create ext --port vm1',
};

const portKind = { plural: 'ports', word: 'port' };

interface Options extends Shown {
  readonly port?: string;
  readonly ip?: string;
  readonly fixedIp?: string;
  readonly placement?: string;
}

export function register(program: Command): void {
  const add = resourceCommand(program, floatingIpKind);
  options(
    add('create <network>', 'an address of an external network', 'create ext --port vm1 --ip 203.0.113.101'),
  )
    .option('--ip <address>', 'this one; without it, the next free one')
    .action(async (network: string, wish: Options) => {
      const { id } = await found(networkKind, network);
      await create(
        floatingIpKind,
        { floating_network_id: id, floating_ip_address: wish.ip, ...(await fieldsOf(wish)) },
        wish,
      );
    });
  options(add('set <address>', "make it a port's, or take it back", 'set 203.0.113.101 --port vm2')).action(
    async (address: string, wish: Options) => {
      await change(floatingIpKind, (await found(floatingIpKind, address)).id, await fieldsOf(wish), wish);
    },
  );
}

const options = (command: Command): Command =>
  command
    .option('--port <port>', 'whose it is; "none": nobody\'s')
    .option('--fixed-ip <address>', 'of the port, where it has several')
    .option('--placement <place>', 'distributed or central');

async function fieldsOf({ port, fixedIp, placement }: Options): Promise<object> {
  const portId = port === undefined ? undefined : port === 'none' ? null : (await found(portKind, port)).id;
  return { port_id: portId, fixed_ip_address: fixedIp, 'dvr:placement': placement };
}
