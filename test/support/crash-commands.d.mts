/** The command that follows on a state of that revision. */
export function commandAt(revision: number, parseTopology: (text: string) => unknown): unknown;
