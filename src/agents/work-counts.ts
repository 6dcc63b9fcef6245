/** How much work an agent has had, for its metrics: steps by their kind, and repairs of what others had changed. */
import type { ErrorCode } from '../model/errors.js';
import type { Step } from './reconcile.js';

export type StepName = Step['step'];
export type StepResult = 'done' | ErrorCode;

export class WorkCounts {
  /** By step and by how it ended. */
  readonly steps = new Map<StepName, Map<StepResult, number>>();
  /** Namespaces that were found otherwise than they had been built, and are mended. */
  repairs = 0;
  /** Devices that were found gone. */
  devicesGone = 0;

  took(step: StepName, result: StepResult): void {
    const results = this.steps.get(step) ?? new Map<StepResult, number>();
    this.steps.set(step, results.set(result, (results.get(result) ?? 0) + 1));
  }
}
