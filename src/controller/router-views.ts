/**
 * Routers as nodes see them: the same everywhere, but for the floating IPs that a node does, and for the votes of those
 * who could do the source NAT.
 */
import type { FloatingIpView, GatewayView, RouterView } from '../model/node-view.js';
import type { Gateway, Router } from '../model/resources.js';
import { gatewayView, portForwardingViews } from './external-views.js';
import { placedFloatingIps } from './floating-ips.js';
import { byName, type Intent } from './intent.js';
import { nodesByRouter } from './router-copies.js';
import { derivation, keptEqual, keysChanged, made, type Made } from './sharing.js';
import { snatNodesOf } from './snat-nodes.js';

interface RouterPart {
  readonly common: Omit<RouterView, 'gateway' | 'floatingIps'>;
  readonly gateways?: Gateways;
  /** What was made of it last, by node; by nothing where a node has nothing of its own. */
  readonly views: Map<string, RouterView>;
}

interface Gateways {
  readonly ofAll: GatewayView;
  readonly ofCandidates: GatewayView;
  readonly candidates: readonly string[];
}

const parts = derivation<ReadonlyMap<string, Made<RouterPart>>>(
  (intent, before) => [
    intent.routers,
    intent.gateways,
    intent.nodes,
    intent.externalNetworks,
    intent.ports,
    nodesByRouter(intent, before),
  ],
  (intent, last) => {
    const next = new Map(byName(intent.routers).map((router): [string, Made<RouterPart>] => {
      const given = intent.gateways.get(router.id);
      const candidates = snatNodesOf(intent, given);
      const voters = candidates.length < 2 ? undefined : nodesByRouter(intent).get(router.id);
      const forwardedTo = router.portForwardings.map(({ port }) => intent.ports.get(port));
      const of = [router, given, voters, ...candidates, ...forwardedTo];
      return [router.id, made(last?.get(router.id), of, (before) =>
        partOf(before, router, given && gatewaysOf(intent, router, given, candidates, voters ?? [])))];
    }));
    return last !== undefined && keysChanged(last, next).length === 0 ? last : next;
  },
);

function partOf(
  before: RouterPart | undefined,
  { id, interfaces, routes, routing }: Router,
  gateways: Gateways | undefined,
): RouterPart {
  const links = interfaces.map(({ network, mac, addresses }) => ({ network, mac, addresses }));
  const said = { common: { id, interfaces: links, routes, routing }, ...(gateways === undefined ? {} : { gateways }) };
  const { views: _made, ...saidBefore } = before ?? { views: undefined };
  return before !== undefined && keptEqual<object>(saidBefore, said) === saidBefore ? before : { ...said, views: new Map() };
}

/** Only candidates must know who has a voice: a new copy elsewhere is no news to all the others. */
function gatewaysOf(
  intent: Intent,
  router: Router,
  given: Gateway,
  candidates: readonly string[],
  voters: readonly string[],
): Gateways | undefined {
  const { gateway } = router;
  if (gateway === undefined) return undefined;
  const forwardings = portForwardingViews(intent, router, given);
  const view = (nodes: readonly string[]): GatewayView =>
    gatewayView(gateway, given, forwardings, candidates.length < 2 ? undefined : { candidates, nodes });
  return { ofAll: view([]), ofCandidates: view(voters), candidates };
}

const noFloatingIps: readonly FloatingIpView[] = [];

/** Answers with the same object for as long as it would say the same; so does the function, for all routers. */
export const routerViews = derivation<(router: Router, node: string) => RouterView>(
  (intent, before) => [parts(intent, before), placedFloatingIps(intent, before)],
  (intent) => {
    const [known, floatingIps] = [parts(intent), placedFloatingIps(intent)];
    return (router, node) => {
      const part = known.get(router.id)?.value;
      if (part === undefined) throw new Error(`router ${router.id} is not of this intent`);
      const { common, gateways, views } = part;
      const isCandidate = gateways?.candidates.includes(node) === true;
      const gateway = isCandidate ? gateways.ofCandidates : gateways?.ofAll;
      const own = gateway === undefined ? noFloatingIps : floatingIps.on(node, router.id);
      const key = isCandidate || own.length > 0 ? node : '';
      const before = views.get(key);
      if (before !== undefined && (gateway === undefined || before.floatingIps === own)) return before;
      const view = { ...common, ...(gateway === undefined ? {} : { gateway, floatingIps: own }) };
      views.set(key, view);
      return view;
    };
  },
);
