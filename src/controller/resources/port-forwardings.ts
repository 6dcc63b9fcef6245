/** Port forwardings: single ports of a floating IP that nobody has, each handed on to a port of the cloud. */
import { fixedIpOf } from '../../model/external-ip.js';
import { MAX_PORT_FORWARDINGS_PER_ROUTER } from '../../model/limits.js';
import type { FloatingIp, PortForwarding, Router } from '../../model/resources.js';
import type { Create, Update } from '../api/attributes/tables.js';
import type { Shown } from '../api/collection.js';
import { NeutronFault, notFound } from '../api/faults.js';
import { withEntry, type ControllerState, type Intent } from '../intent.js';
import { forwardingRouter } from '../port-forwardings.js';
import { recordById, recordOf, withRecord, withRecordMoved } from '../records.js';
import { portForwardingKey } from '../resource-index.js';
import { fixedIpFor, floatingIpOf, requireReach } from './floating-ips.js';
import { idOf, requireRecord } from './places.js';
import { commonOf, wishOf, type Made } from './resource.js';

/** @throws NeutronFault */
export function createForwarding(
  intent: Intent,
  floatingIpId: string,
  values: Create<'port_forwardings'>,
  { id, at }: Made,
): Intent {
  const floatingIp = freeFloatingIp(intent, floatingIpId);
  const { router, forwarding } = placed(intent, floatingIp, values);
  refuseTaken(router, forwarding);
  if (router.portForwardings.length >= MAX_PORT_FORWARDINGS_PER_ROUTER)
    throw new NeutronFault(
      'Conflict',
      `a router has at most ${MAX_PORT_FORWARDINGS_PER_ROUTER} port forwardings`,
    );
  const next = withForwardings(intent, router, [...router.portForwardings, forwarding]);
  const key = portForwardingKey(router.id, forwarding);
  return withRecord(
    next,
    { kind: 'port_forwarding', key },
    wishOf(undefined, { description: values.description }, []),
    at,
    id,
  );
}

/** @throws NeutronFault */
export function updateForwarding(
  intent: Intent,
  floatingIpId: string,
  id: string,
  values: Update<'port_forwardings'>,
  at: string,
): Intent {
  const { router, forwarding, record, floatingIp } = forwardingById(intent, floatingIpId, id);
  const changed = placed(intent, floatingIp, {
    protocol: values.protocol ?? forwarding.protocol,
    external_port: values.external_port ?? forwarding.externalPort,
    internal_port: values.internal_port ?? forwarding.internalPort,
    internal_port_id: values.internal_port_id ?? idOf(intent, 'port', forwarding.port),
    ...internalIp(values, forwarding),
  });
  if (changed.router.id !== router.id)
    throw new NeutronFault(
      'Conflict',
      `the new port is reached by another router; make a new port forwarding`,
    );
  refuseTaken(
    { ...router, portForwardings: router.portForwardings.filter((one) => one !== forwarding) },
    changed.forwarding,
  );
  const all = router.portForwardings.map((one) => (one === forwarding ? changed.forwarding : one));
  const key = portForwardingKey(router.id, changed.forwarding);
  return withRecord(
    withRecordMoved(withForwardings(intent, router, all), record, key, at),
    { kind: 'port_forwarding', key },
    wishOf(record, values, []),
    at,
  );
}

/** @throws NeutronFault */
export function removeForwarding(intent: Intent, floatingIpId: string, id: string): Intent {
  const { router, forwarding } = forwardingById(intent, floatingIpId, id);
  return withForwardings(
    intent,
    router,
    router.portForwardings.filter((one) => one !== forwarding),
  );
}

/** Undefined where there is no such floating IP. */
export function listForwardings(
  { intent }: ControllerState,
  floatingIpId: string,
): readonly Shown<'port_forwardings'>[] | undefined {
  const record = recordById(intent, 'floatingip', floatingIpId);
  if (record === undefined) return undefined;
  const floatingIp = floatingIpOf(intent, record);
  const router = forwardingRouter(intent, floatingIp);
  return (router?.portForwardings ?? [])
    .filter((one) => one.floatingIp === floatingIp.ip)
    .flatMap((one) => showForwarding(intent, router, one) ?? []);
}

function showForwarding(
  intent: Intent,
  router: Router | undefined,
  forwarding: PortForwarding,
): Shown<'port_forwardings'> | undefined {
  const record = router && recordOf(intent, 'port_forwarding', portForwardingKey(router.id, forwarding));
  const port = recordOf(intent, 'port', forwarding.port);
  if (record === undefined || port === undefined) return undefined;
  const fixedIp = forwarding.fixedIp ?? fixedIpOf(intent.ports.get(forwarding.port)?.ips ?? [], undefined) ?? null;
  const { id, description } = commonOf(record);
  return {
    id,
    description,
    protocol: forwarding.protocol,
    external_port: forwarding.externalPort,
    internal_port: forwarding.internalPort,
    internal_port_id: port.id,
    internal_ip_address: fixedIp,
  };
}

type Wish = Pick<
  Create<'port_forwardings'>,
  'protocol' | 'external_port' | 'internal_port' | 'internal_port_id' | 'internal_ip_address'
>;

/** The forwarding that is asked for, and the router that will do it. */
function placed(
  intent: Intent,
  floatingIp: FloatingIp,
  wish: Wish,
): { readonly router: Router; readonly forwarding: PortForwarding } {
  const port = intent.ports.get(requireRecord(intent, 'port', wish.internal_port_id).key);
  if (port === undefined)
    throw new NeutronFault(
      'BadRequest',
      `Bad port_forwarding request: port ${wish.internal_port_id} is a router's.`,
    );
  const fixedIp = fixedIpFor(port, wish.internal_port_id, wish.internal_ip_address ?? null);
  const router = requireReach(intent, floatingIp, port, fixedIp);
  const other = forwardingRouter(intent, floatingIp);
  if (other !== undefined && other.id !== router.id)
    throw new NeutronFault(
      'Conflict',
      `floating IP ${floatingIp.ip} forwards by router ${other.id}, and port ${wish.internal_port_id} ` +
        `is behind ${router.id}`,
    );
  const forwarding = {
    protocol: wish.protocol,
    externalPort: wish.external_port,
    floatingIp: floatingIp.ip,
    port: port.name,
    fixedIp,
    internalPort: wish.internal_port,
  };
  return { router, forwarding };
}

const internalIp = (
  { internal_ip_address: ip, internal_port_id: port }: Update<'port_forwardings'>,
  { fixedIp }: PortForwarding,
): Pick<Wish, 'internal_ip_address'> => {
  const kept = ip ?? (port === undefined ? fixedIp : undefined);
  return kept === undefined ? {} : { internal_ip_address: kept };
};

function freeFloatingIp(intent: Intent, id: string): FloatingIp {
  const floatingIp = floatingIpOf(intent, requireRecord(intent, 'floatingip', id));
  if (floatingIp.port !== undefined)
    throw new NeutronFault(
      'Conflict',
      `floating IP ${floatingIp.ip} is port ${floatingIp.port}'s; single ports of it cannot be forwarded`,
    );
  return floatingIp;
}

function forwardingById(intent: Intent, floatingIpId: string, id: string) {
  const floatingIp = floatingIpOf(intent, requireRecord(intent, 'floatingip', floatingIpId));
  const record = recordById(intent, 'port_forwarding', id);
  const router = forwardingRouter(intent, floatingIp);
  const forwarding = router?.portForwardings.find(
    (one) => one.floatingIp === floatingIp.ip && portForwardingKey(router.id, one) === record?.key,
  );
  if (router === undefined || forwarding === undefined || record === undefined)
    throw notFound('port_forwarding', id);
  return { router, forwarding, record, floatingIp };
}

function refuseTaken(
  { portForwardings }: Router,
  { protocol, externalPort, floatingIp }: PortForwarding,
): void {
  const taken = portForwardings.some(
    (one) => one.protocol === protocol && one.externalPort === externalPort && one.floatingIp === floatingIp,
  );
  if (taken)
    throw new NeutronFault(
      'Conflict',
      `${protocol} port ${externalPort} of floating IP ${floatingIp} is forwarded already`,
    );
}

const withForwardings = (
  intent: Intent,
  router: Router,
  portForwardings: readonly PortForwarding[],
): Intent => ({
  ...intent,
  routers: withEntry(intent.routers, router.id, { ...router, portForwardings }),
});
