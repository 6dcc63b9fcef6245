/** What the API says it can do beyond networks, subnets and ports; clients change what they send by it. */
import type { FastifyInstance } from 'fastify';
import { addPath, parameter } from './context.js';
import { NeutronFault } from './faults.js';

/** By alias, only those whose behaviour is really there; what each is called elsewhere. */
const names: Readonly<Record<string, string>> = {
  agent: 'agent',
  'allowed-address-pairs': 'Allowed Address Pairs',
  availability_zone: 'Availability Zone',
  binding: 'Port Binding',
  dvr: 'Distributed Virtual Router',
  'empty-string-filtering': 'Empty String Filtering Extension',
  'ext-gw-mode': 'Neutron L3 Configurable external gateway mode',
  'external-net': 'Neutron external network',
  extraroute: 'Neutron Extra Route',
  'extraroute-atomic': 'Atomically add/remove extra routes',
  'filter-validation': 'Filter parameters validation',
  'fip-port-details': 'Floating IP Port Details Extension',
  'floating-ip-port-forwarding': 'Floating IP Port Forwarding',
  'ip-substring-filtering': 'IP address substring filtering',
  'l3-port-ip-change-not-allowed': 'Prevent L3 router ports IP address change extension',
  l3_agent_scheduler: 'L3 Agent Scheduler',
  'net-mtu': 'Network MTU',
  'net-mtu-writable': 'Network MTU (writable)',
  'network-ip-availability': 'Network IP Availability',
  network_availability_zone: 'Network Availability Zone',
  pagination: 'Pagination support',
  'port-security': 'Port Security',
  'project-id': 'project_id field enabled',
  provider: 'Provider Network',
  quota_details: 'Quota details management support',
  quotas: 'Quota management support',
  'revision-if-match': 'If-Match constraints based on revision_number',
  router: 'Neutron L3 Router',
  router_availability_zone: 'Router Availability Zone',
  sorting: 'Sorting support',
  'standard-attr-description': 'standard-attr-description',
  'standard-attr-revisions': 'Resource revision numbers',
  'standard-attr-tag': 'Tag support for resources with standard attribute',
  'standard-attr-timestamp': 'Resource timestamps',
};

export function addExtensions(app: FastifyInstance): void {
  addPath(app, '/extensions', {
    GET: () => ({ extensions: Object.keys(names).map(extensionOf) }),
  });
  addPath(app, '/extensions/:alias', {
    GET: (request) => {
      const alias = parameter(request, 'alias');
      if (!Object.hasOwn(names, alias))
        throw new NeutronFault('ExtensionNotFound', `Extension with alias ${alias} does not exist`);
      return { extension: extensionOf(alias) };
    },
  });
}

function extensionOf(alias: string): Readonly<Record<string, unknown>> {
  const name = names[alias] ?? alias;
  return { alias, name, description: name, updated: '2026-11-01T00:00:00-00:00', links: [] };
}
