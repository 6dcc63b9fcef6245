/**
 * The router's part of a walk, EW2 and EW3, either way: in the fast path it is what stage route did to the
 * frame; in the namespace it is the kernel's work, told from the frames on either side of it.
 */
import { routerDeviceName } from '../model/device-names.js';
import { changed, macChanges, ttlChange } from './field-changes.js';
import { localVlanName, named } from './names.js';
import { frameOf, networkOfPort, routerOf, type Passage, type Visit, type Walked } from './passage.js';
import { passedStages, type Clock, type UnnumberedStep } from './step-parts.js';

export function fastPathSteps(
  visit: Visit, { names, destination }: Walked, sinceUs: Clock,
): UnnumberedStep[] {
  const { passage, records: [record] } = visit;
  const { ids, view } = passage.trace;
  const [start, end] = [frameOf(record, 'before'), frameOf(record, 'after')];
  const router = routerOf(start, names);
  const { before, after } = record.localVlan;
  const networkOf = (localVlan: number): string => localVlanName(ids, localVlan) ?? `local VLAN ${localVlan}`;
  const common = { place: `router ${router}`, node: view.node.name, timeUs: sinceUs(passage, record) };
  return [
    {
      ...common, step: 'EW2', stages: passedStages(visit, sinceUs),
      what: `${router} routes ${destination.ip} from ${networkOf(before)} to ${networkOf(after)} in the fast path`,
      changes: ttlChange(start, end), ...whyOf(passage, router),
    },
    {
      ...common, step: 'EW3', stages: [],
      what: `the routed frame leaves into ${networkOf(after)}, in the fast path`,
      changes: [
        ...macChanges(start, end, names),
        ...changed('local VLAN', named(before, localVlanName(ids, before)), named(after, localVlanName(ids, after))),
      ],
    },
  ];
}

/** EW2: into the namespace. EW3: out of it, if anything came out. */
export function namespaceSteps(
  visit: Visit, after: Passage | undefined, walked: Walked, sinceUs: Clock,
): UnnumberedStep[] {
  const { names, destination } = walked;
  const { passage: before } = visit;
  const node = before.trace.view.node.name;
  const router = routerOf(before.end, names);
  const inDevice = routerDeviceName(networkOfPort(before, before.last.outPort));
  const place = `router namespace ${router}`;
  const outNetwork = after === undefined ? undefined : networkOfPort(after, after.inPort);
  const routed = outNetwork === undefined
    ? `${inDevice} is given the frame for ${destination.ip}`
    : `${inDevice} picks the frame up; ${router} routes ${destination.ip} to ${outNetwork}`;
  const ttl = after === undefined ? [] : ttlChange(before.end, after.start);
  const ew2: UnnumberedStep = {
    step: 'EW2', place, node, what: routed, changes: ttl,
    timeUs: sinceUs(before, before.last), stages: passedStages(visit, sinceUs), ...whyOf(before, router),
  };
  if (after === undefined || outNetwork === undefined) return [ew2];
  const ew3: UnnumberedStep = {
    step: 'EW3', place, node,
    what: `the routed frame leaves by ${routerDeviceName(outNetwork)}`,
    changes: macChanges(before.end, after.start, names),
    timeUs: sinceUs(after, after.records[0]), stages: [],
  };
  return [ew2, ew3];
}

/** What the node's agent says of the way this router's traffic takes. */
function whyOf({ trace: { ids } }: Passage, router: string): { readonly why?: string } {
  const said = ids.routers?.find(({ id }) => id === router);
  return said === undefined ? {} : { why: `${said.way}: ${said.why}` };
}
