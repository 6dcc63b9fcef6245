/**
 * Names and numbers of things, parsed once at the edge. A branded value cannot be made but by its
 * parser, so inside no name can be strange enough to hurt a path, a device name or a log line.
 */

declare const brand: unique symbol;
export type Branded<Base, Tag extends string> = Base & { readonly [brand]: Tag };

/** The name of a node, network, router, port or interop VTEP; a UUID is one too. */
export type Name = Branded<string, 'Name'>;
/** A VXLAN network identifier: 24 bits. RFC 7348 allows 0; people would take it for "none". */
export type Vni = Branded<number, 'Vni'>;

export const nameRule = 'a name is 1 to 36 of a-z, 0-9 and "-", and begins with a letter or digit';
const namePattern = /^[a-z0-9][a-z0-9-]{0,35}$/;

export const MIN_VNI = 1;
export const MAX_VNI = 0xff_ffff;

/** IFNAMSIZ less the closing NUL. */
const interfaceNamePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/;

export const interfaceNameRule = 'it is 1 to 15 of letters, digits, "_", "." and "-", and not "lo"';

export function parseName(text: string): Name | undefined {
  return namePattern.test(text) ? (text as Name) : undefined;
}

export function parseVni(value: number): Vni | undefined {
  return Number.isInteger(value) && value >= MIN_VNI && value <= MAX_VNI
    ? (value as Vni)
    : undefined;
}

/** Whether the text can name a network device of a guest; "lo" is taken in every namespace. */
export function isInterfaceName(text: string): boolean {
  return interfaceNamePattern.test(text) && text !== 'lo';
}

/** Longer words are nobody's typing mistake, and the distance costs length × length. */
const MAX_COMPARED_LENGTH = 40;

/** The known word nearest to a mistyped one, or undefined where none is near enough to be meant. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  if (word.length > MAX_COMPARED_LENGTH) return undefined;
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    if (best === undefined || distance < best.distance) best = { word: candidate, distance };
  }
  return best !== undefined && best.distance <= Math.max(1, Math.floor(word.length / 2))
    ? best.word
    : undefined;
}

/** Levenshtein's distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}
