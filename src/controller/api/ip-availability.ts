/** How many addresses each network has to give, and has given: counted from its subnets' pools and its ports. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseIp, ipDistance } from '../../model/addresses.js';
import { isRecord, type UntrustedRecord } from '../../model/untrusted.js';
import { readOnly, type AttributeTable, type Json } from './attribute.js';
import type { ApiResource } from './collection.js';
import { addPath, addressOf, found, parameter, type ApiContext } from './context.js';
import { ipVersion, shown } from './kinds/plain.js';
import { parseQuery, selected } from './query.js';

/** By these a client filters; `ip_version` picks subnets, not networks. */
const filters: AttributeTable = {
  network_id: readOnly(shown, 'F'),
  network_name: readOnly(shown, 'F'),
  project_id: readOnly(shown, 'F'),
  tenant_id: readOnly(shown, 'F'),
};

export function addIpAvailability(app: FastifyInstance, api: ApiContext): void {
  const rowsOf = (request: FastifyRequest, networks: readonly ApiResource[]): readonly Row[] => {
    const params = addressOf(request).searchParams;
    const versions = params.getAll('ip_version').map((text) => ipVersion.parse(text, 'ip_version'));
    params.delete('ip_version');
    const { matches, fields } = parseQuery(filters, params);
    const { collections, controller } = api;
    const subnets = collections.subnets
      .list(controller.state)
      .filter(({ ip_version: own }) => versions.length === 0 || versions.some((one) => one === own));
    const used = usedBySubnet(collections.ports.list(controller.state));
    return networks
      .filter((network) => matches(namesOf(network)))
      .map((network) => ({ ...namesOf(network), ...countsOf(network.id, subnets, used) }))
      .map((row) => selected(row, fields));
  };
  addPath(app, '/network-ip-availabilities', {
    GET: (request, reply) => {
      const networks = api.collections.networks.list(api.controller.state);
      return exactly(reply, { network_ip_availabilities: rowsOf(request, networks) });
    },
  });
  addPath(app, '/network-ip-availabilities/:id', {
    GET: (request, reply) => {
      const network = found(api, 'networks', parameter(request, 'id'));
      return exactly(reply, { network_ip_availability: rowsOf(request, [network])[0] });
    },
  });
}

type Row = Readonly<Record<string, unknown>>;

const namesOf = (network: ApiResource): Readonly<Record<string, Json>> => ({
  network_id: network.id,
  network_name: network['name'] ?? '',
  project_id: network['project_id'] ?? '',
  tenant_id: network['project_id'] ?? '',
});

function countsOf(network: string, all: readonly ApiResource[], used: ReadonlyMap<string, number>): Row {
  const subnets = all
    .filter(({ network_id: own }) => own === network)
    .map((subnet) => ({
      subnet_id: subnet.id,
      subnet_name: subnet['name'],
      cidr: subnet['cidr'],
      ip_version: subnet['ip_version'],
      total_ips: recordsIn(subnet['allocation_pools']).reduce((sum, pool) => sum + sizeOfPool(pool), 0n),
      used_ips: used.get(subnet.id) ?? 0,
    }));
  return {
    total_ips: subnets.reduce((sum, { total_ips: count }) => sum + count, 0n),
    used_ips: subnets.reduce((sum, { used_ips: count }) => sum + count, 0),
    subnet_ip_availability: subnets,
  };
}

function usedBySubnet(ports: readonly ApiResource[]): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const { subnet_id: subnet } of ports.flatMap((port) => recordsIn(port['fixed_ips'])))
    if (typeof subnet === 'string') used.set(subnet, (used.get(subnet) ?? 0) + 1);
  return used;
}

function recordsIn(list: Json | undefined): readonly UntrustedRecord[] {
  return Array.isArray(list) ? (list as readonly unknown[]).filter(isRecord) : [];
}

function sizeOfPool({ start, end }: UntrustedRecord): bigint {
  const [first, last] = [parseIp(String(start)), parseIp(String(end))];
  return first === undefined || last === undefined ? 0n : ipDistance(first, last) + 1n;
}

/** What begins a number that is too long for JSON.stringify; no name has it, for NUL is refused. */
const LONG = '\0';

/** The answer with its numbers to the last digit: an IPv6 subnet has more addresses than a double counts. */
async function exactly(reply: FastifyReply, body: unknown): Promise<FastifyReply> {
  const text = JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'bigint' ? `${LONG}${value}` : value,
  ).replaceAll(/"\\u0000(\d+)"/g, '$1');
  return await reply.type('application/json').send(text);
}
