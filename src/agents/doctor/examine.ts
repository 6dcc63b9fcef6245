/** Everything that a node can find out about itself, all at once; who asks holds it against other nodes. */
import type { Dataplane, DataplaneHello } from '../../dataplane/interface.js';
import { version } from '../../dataplane/version.js';
import { DvrError } from '../../model/errors.js';
import { fail, type Examination, type Finding } from '../../model/finding.js';
import type { Inspected } from '../differences.js';
import { tapName } from '../local-ids.js';
import { examineKernel } from './kernel.js';
import { examineLeftovers } from './leftovers.js';
import { examineOffloads } from './offloads.js';
import { examineUnderlay } from './underlay.js';
import { examineVxlanPort } from './vxlan-port.js';

export async function examine({ view, desired, actual }: Inspected, dataplane: () => Dataplane): Promise<Examination> {
  const nowMs = Date.now();
  const hello = await dataplane().hello().catch(unreachable);
  const namespaces = new Set([...desired.namespaces.map(({ name }) => name), ...actual.namespaces]);
  const taps = new Set(actual.devices.map(({ portId }) => tapName(portId)));
  const findings = await Promise.all([
    examineUnderlay(view),
    ...(hello instanceof DvrError ? [] : withDataplane(view, hello)),
    examineLeftovers({ namespaces, taps }),
    examineKernel(desired.namespaces),
  ]);
  const missing: readonly Finding[] = hello instanceof DvrError ? [fail('agent', hello.message, hello.hint)] : [];
  return { nowMs, version, findings: [...missing, ...findings.flat()] };
}

const withDataplane = (view: Inspected['view'], hello: DataplaneHello): Promise<readonly Finding[]>[] =>
  [examineVxlanPort(view.node.vtepIp, hello), examineOffloads(view, hello)];

function unreachable(error: unknown): DvrError {
  if (error instanceof DvrError) return error;
  throw error;
}
