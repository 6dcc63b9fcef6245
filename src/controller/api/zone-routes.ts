/** The one availability zone, and lists that clients ask for of what does not exist here: they are empty. */
import type { FastifyInstance } from 'fastify';
import { AVAILABILITY_ZONE } from './attributes/zones.js';
import { addPath, found, parameter, type ApiContext } from './context.js';
import { notFound } from './faults.js';

const zones = ['network', 'router'].map((resource) => ({
  name: AVAILABILITY_ZONE,
  resource,
  state: 'available',
}));

export function addZonesAndEmptyLists(app: FastifyInstance, api: ApiContext): void {
  addPath(app, '/availability_zones', { GET: () => ({ availability_zones: zones }) });
  for (const list of ['service-providers', 'subnetpools', 'address-scopes', 'rbac-policies'])
    addPath(app, `/${list}`, { GET: () => ({ [list.replace('-', '_')]: [] }) });
  for (const [path, singular] of [
    ['subnetpools', 'subnetpool'],
    ['address-scopes', 'address_scope'],
  ] as const)
    addPath(app, `/${path}/:id`, {
      GET: (request) => {
        throw notFound(singular, parameter(request, 'id'));
      },
    });
  // There is no DHCP server: addresses are configured by attach, or advertised.
  addPath(app, '/networks/:id/dhcp-agents', {
    GET: (request) => {
      found(api, 'networks', parameter(request, 'id'));
      return { agents: [] };
    },
  });
}
