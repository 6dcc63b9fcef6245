/** What can be done with routers alone: plug subnets and ports in and out, add and take away routes. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isRecord } from '../../model/untrusted.js';
import { unrecognized, wrapped } from './body.js';
import type { ApiResource } from './collection.js';
import { addPath, found, parameter, write, type ApiContext } from './context.js';
import { NeutronFault } from './faults.js';
import { isUuid, keysOf } from './kinds/plain.js';
import { routerRoutes } from './kinds/subnet-kinds.js';
import { pythonText } from './python-text.js';
import type { InterfaceTarget } from './writes.js';

export function addRouterActions(app: FastifyInstance, api: ApiContext): void {
  addPath(app, '/routers/:id/add_router_interface', {
    PUT: async (request) => {
      const [router, target] = [parameter(request, 'id'), targetOf(request.body)];
      const newId = api.newId();
      await write(api, request, { write: 'addInterface', router, target, newId });
      return interfaceAnswer(router, target, interfacePort(api, router, target));
    },
  });
  addPath(app, '/routers/:id/remove_router_interface', {
    PUT: async (request) => {
      const [router, target] = [parameter(request, 'id'), targetOf(request.body)];
      // Afterwards it is gone, and the answer still names it.
      const port = interfacePort(api, router, target);
      await write(api, request, { write: 'removeInterface', router, target });
      return interfaceAnswer(router, target, port);
    },
  });
  for (const action of ['addRoutes', 'removeRoutes'] as const) {
    const url = action === 'addRoutes' ? 'add_extraroutes' : 'remove_extraroutes';
    addPath(app, `/routers/:id/${url}`, {
      PUT: async (request) => {
        const router = parameter(request, 'id');
        const fields = keysOf(wrapped('router', request.body), 'router', ['routes']);
        const routes = routerRoutes.parse(fields['routes'], 'routes');
        await write(api, request, { write: action, router, routes });
        return { router: found(api, 'routers', router) };
      },
    });
  }
}

/** {"subnet_id": …} or {"port_id": …}, without a key around it. @throws NeutronFault */
function targetOf(body: FastifyRequest['body']): InterfaceTarget {
  const fields = isRecord(body) ? body : {};
  const unknown = Object.keys(fields).filter((key) => key !== 'subnet_id' && key !== 'port_id');
  if (unknown.length > 0) throw unrecognized(unknown);
  const [subnetId, portId] = [fields['subnet_id'] ?? undefined, fields['port_id'] ?? undefined];
  if (subnetId !== undefined && portId !== undefined)
    throw bad('Cannot specify both subnet-id and port-id');
  const id = subnetId ?? portId;
  if (id === undefined) throw bad('Either subnet_id or port_id must be specified');
  if (!isUuid(id)) throw bad(`'${pythonText(id)}' is not a valid UUID`);
  const canonical = id.toLowerCase();
  return portId === undefined ? { subnetId: canonical } : { portId: canonical };
}

function bad(what: string): NeutronFault {
  return new NeutronFault('BadRequest', `Bad router request: ${what}.`);
}

/** The port by which the router is in; absent where it is not. */
function interfacePort(
  { collections, controller }: ApiContext,
  router: string,
  target: InterfaceTarget,
): ApiResource | undefined {
  if ('portId' in target) return collections.ports.find(controller.state, target.portId);
  return collections.ports
    .list(controller.state)
    .find(
      (port) =>
        port['device_id'] === router &&
        isInterface(port['device_owner']) &&
        subnetsOf(port).includes(target.subnetId),
    );
}

const isInterface = (owner: unknown): boolean =>
  owner === 'network:router_interface' || owner === 'network:router_interface_distributed';

function interfaceAnswer(
  router: string,
  target: InterfaceTarget,
  port: ApiResource | undefined,
): Readonly<Record<string, unknown>> {
  const subnets = port === undefined ? [] : subnetsOf(port);
  const asked = 'subnetId' in target ? target.subnetId : subnets[0];
  return {
    id: router,
    tenant_id: port?.['project_id'] ?? '',
    project_id: port?.['project_id'] ?? '',
    port_id: port?.id ?? null,
    network_id: port?.['network_id'] ?? null,
    subnet_id: asked ?? null,
    subnet_ids: 'subnetId' in target ? [target.subnetId] : subnets,
  };
}

function subnetsOf(port: ApiResource): readonly string[] {
  const fixed = port['fixed_ips'];
  return (Array.isArray(fixed) ? (fixed as readonly unknown[]) : []).flatMap((item) => {
    const subnet = isRecord(item) ? item['subnet_id'] : undefined;
    return typeof subnet === 'string' ? [subnet] : [];
  });
}
