/** What steps of every place are made with: their time and the stages they passed. */
import type { TraceRecord } from '../dataplane/interface.js';
import type { Passage, Visit } from './passage.js';
import type { StagePassed, WalkStep } from './walk-model.js';

export type UnnumberedStep = Omit<WalkStep, 'number'>;

/** Microseconds from the packet's first stage on the node of the passage. */
export type Clock = (passage: Passage, record: TraceRecord) => number;

export function passedStages({ passage, records }: Visit, sinceUs: Clock): StagePassed[] {
  return records.map((record) => ({
    stage: record.stage, next: nextOf(record), timeUs: sinceUs(passage, record),
  }));
}

function nextOf(record: TraceRecord): string {
  return record.dropReason === undefined ? record.next : `drop (${record.dropReason})`;
}
