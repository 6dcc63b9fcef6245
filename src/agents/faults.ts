/**
 * What went wrong in one reconcile of node-agent.ts: for the log at once, for the report at its end, and
 * for the rows, which lead to no namespace that is not as it should be.
 */
import type { Log } from '../dataplane/log.js';
import { DvrError } from '../model/errors.js';
import type { NodeReport, NodeView } from '../model/node-view.js';
import { hostRoot } from './desired.js';
import { vmDeviceName } from './local-ids.js';
import type { Step } from './reconcile.js';

/** Errors in one report; a node with more has one cause. */
const kMaxErrors = 100;

export class Faults {
  /** What went wrong, by port. */
  readonly ports = new Map<string, string>();
  /** Namespaces that could not be built. */
  readonly namespaces = new Set<string>();
  #errors: NodeReport['errors'][number][] = [];

  constructor(private readonly log: Log) {}

  get errors(): NodeReport['errors'] { return this.#errors; }

  clear(): void {
    this.ports.clear();
    this.namespaces.clear();
    this.#errors = [];
  }

  add({ code, message, hint }: DvrError): void {
    this.log('error', message, { code, hint });
    if (this.#errors.length < kMaxErrors) this.#errors.push({ code, message });
  }

  /** What a failed step means for the port or router it was about. */
  blame(step: Step, { message }: DvrError, view: NodeView | undefined): void {
    if (step.step === 'build') this.namespaces.add(step.namespace.name);
    if (step.step === 'plug') this.ports.set(step.plug.port, message);
    if (step.step === 'open') {
      const port = view?.localPorts.find(({ name }) => vmDeviceName(name) === step.spec.name);
      if (port !== undefined) this.ports.set(port.name, message);
    }
  }
}

/** The failure as an operator is told of it: paths as they were given, not as a fake node reaches them. */
export function operatorError(cause: unknown): DvrError {
  const said = cause instanceof Error ? cause.message : String(cause);
  const root = hostRoot();
  const message = root === '' ? said : said.replaceAll(root, '');
  if (!(cause instanceof DvrError)) return new DvrError('DVR_DATAPLANE_REFUSED', message, '', { cause });
  // The hint stays: run by hand on this node, the command needs the path as it is.
  return message === said ? cause : new DvrError(cause.code, message, cause.hint, { cause: cause.cause });
}
