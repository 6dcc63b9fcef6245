/** What of a node is otherwise than its view wants it, as `dvr diff` shows it. */

export interface Difference {
  /** A table of the dataplane, a namespace, or the dataplane itself. */
  readonly where: string;
  /** `missing`: not there, or not so; `surplus`: there, and nobody wants it. */
  readonly kind: 'missing' | 'surplus';
  readonly what: string;
}

export interface NodeDifferences {
  /** Of the view that the node was held against. */
  readonly generation: number;
  readonly differences: readonly Difference[];
  /** Further ones that are not told: there are too many. */
  readonly leftOut: number;
  /** Namespaces that were not looked at: there was no time. */
  readonly notLookedAt: readonly string[];
}
