/**
 * Reads a YAML file value by value, remembering the line of every path, and collects faults instead of
 * stopping at the first: a person mends a file once.
 *
 * A reading function answers undefined where it has noted a fault. Aliases are refused outright: a
 * topology needs none, and a handful of them can stand for a billion values.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Node as YamlNode,
} from 'yaml';
import { DvrError } from './errors.js';
import { nameRule, nearestWord, parseName, type Name } from './identifiers.js';

/** Ten thousand ports are under half of this; more is a mistake, and parsing holds the process up. */
export const MAX_FILE_BYTES = 1 << 20;
/** More than a person reads at once. */
const MAX_FAULTS_SHOWN = 50;
/** So many unknown keys are looked at one by one; with more it is not a file of ours. */
const MAX_STRAY_KEYS = 50;

export interface Value {
  readonly node: YamlNode | null;
  readonly path: string;
}

/** The entries of a mapping whose keys are known words. */
export type Fields<Key extends string> = { readonly path: string } & {
  readonly values: Partial<Record<Key, Value>>;
};

interface Fault {
  readonly line: number;
  readonly path: string;
  readonly message: string;
}

export class YamlReader {
  private readonly faults: Fault[] = [];
  private readonly lineOfPath = new Map<string, number>();
  private readonly lineCounter = new LineCounter();
  readonly root: Value | undefined;

  constructor(
    text: string,
    private readonly file: string,
  ) {
    this.lineOfPath.set('', 1);
    this.root = this.parse(text);
  }

  /** Notes what is wrong with the value at `path`; the nearest known line above it is told. */
  fault(path: string, message: string): undefined {
    this.faults.push({ line: this.lineOf(path), path, message });
    return undefined;
  }

  /** Whether a fault has been noted in the section: then what is missing there may be what is wrong. */
  isFaulty(section: string): boolean {
    return this.faults.some(({ path }) => path === section || path.startsWith(`${section}.`));
  }

  get hasFaults(): boolean {
    return this.faults.length > 0;
  }

  /** @throws DvrError DVR_TOPOLOGY_INVALID with one line for each fault, in the order of the file. */
  throwFaults(): void {
    if (this.faults.length === 0) return;
    const told = [...this.faults]
      .sort((left, right) => left.line - right.line)
      .map(
        ({ line, path, message }) =>
          `${this.file}:${line}: ${path === '' ? '' : `${path}: `}${message}`,
      );
    // Who reads a value twice notes its fault twice; a person mends it once.
    const lines = [...new Set(told)];
    const shown = lines.slice(0, MAX_FAULTS_SHOWN);
    if (lines.length > shown.length) shown.push(`and ${lines.length - shown.length} more`);
    throw new DvrError(
      'DVR_TOPOLOGY_INVALID',
      shown.join('\n'),
      'nothing was changed; mend the file and try again',
    );
  }

  /** A mapping with known keys only; a missing `required` one is a fault. */
  fields<Key extends string>(
    value: Value,
    known: readonly Key[],
    required: readonly Key[] = [],
  ): Fields<Key> | undefined {
    const misspelt = new Set<string>();
    const entries = this.entries(value, known.length + MAX_STRAY_KEYS, (key, path) => {
      if ((known as readonly string[]).includes(key)) return true;
      const near = nearestWord(key, known);
      if (near !== undefined) misspelt.add(near);
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
      this.fault(path, `unknown key; ${hint}`);
      return false;
    });
    if (entries === undefined) return undefined;
    const values: Partial<Record<Key, Value>> = {};
    for (const [key, entry] of entries) values[key as Key] = entry;
    for (const key of required) {
      if (values[key] !== undefined || misspelt.has(key)) continue;
      this.fault(value.path, `"${key}" is missing`);
    }
    return { path: value.path, values };
  }

  /** A mapping whose keys are names, at most `limit` of them. */
  named(value: Value | undefined, limit: number): readonly (readonly [Name, Value])[] {
    if (value === undefined || isEmpty(value)) return [];
    const entries = this.entries(value, limit, (key, path) => {
      if (parseName(key) !== undefined) return true;
      this.fault(path, `${JSON.stringify(key)} is no name; ${nameRule}`);
      return false;
    });
    return (entries ?? []).map(([key, entry]) => [key as Name, entry] as const);
  }

  /** A mapping whose keys the caller reads, at most `limit` of them. */
  keyed(value: Value | undefined, limit: number): readonly (readonly [string, Value])[] {
    if (value === undefined || isEmpty(value)) return [];
    return this.entries(value, limit, () => true) ?? [];
  }

  /** A list of at most `limit` values; undefined and faulty are empty. */
  list(value: Value | undefined, limit: number): readonly Value[] {
    if (value === undefined || isEmpty(value)) return [];
    const { node, path } = value;
    if (!isSeq(node)) return this.wrongType(value, 'a list') ?? [];
    if (node.items.length > limit)
      return this.fault(path, `${node.items.length} entries; at most ${limit} are taken`) ?? [];
    return node.items.map((item, at) =>
      this.place(item as YamlNode | null, `${path}[${at}]`, path),
    );
  }

  text(value: Value): string | undefined {
    const found = this.scalar(value);
    return typeof found === 'string' ? found : this.wrongType(value, 'a text');
  }

  /** A name as it was written: 007 and true are names too, whatever YAML takes them for. */
  name(value: Value): Name | undefined {
    const source =
      isScalar(value.node) && value.node.value !== null
        ? (value.node.source ?? String(value.node.value))
        : undefined;
    if (source === undefined) return this.wrongType(value, 'a name');
    return (
      parseName(source) ??
      this.fault(value.path, `${JSON.stringify(source)} is no name; ${nameRule}`)
    );
  }

  integer(value: Value, min: number, max: number): number | undefined {
    const found = this.scalar(value);
    if (typeof found !== 'number' || !Number.isInteger(found))
      return this.wrongType(value, 'a whole number');
    return found >= min && found <= max
      ? found
      : this.fault(value.path, `${found} is not within ${min} to ${max}`);
  }

  boolean(value: Value): boolean | undefined {
    const found = this.scalar(value);
    return typeof found === 'boolean' ? found : this.wrongType(value, 'true or false');
  }

  /** Tells a mapping from its short form, one word. */
  isMapping({ node }: Value): boolean {
    return isMap(node);
  }

  /** Whether a section is there with nothing in it; one of another type is not empty, but wrong. */
  isEmptySection({ node, path }: Value): boolean {
    return isEmpty({ node, path }) || (isMap(node) && node.items.length === 0);
  }

  private parse(text: string): Value | undefined {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_FILE_BYTES)
      return this.fault('', `the file has ${bytes} bytes; at most ${MAX_FILE_BYTES} are read`);
    try {
      // Doubled keys are looked for here, by name: the library compares each key with every other.
      const document = parseDocument(text, {
        lineCounter: this.lineCounter,
        uniqueKeys: false,
        prettyErrors: false,
        logLevel: 'silent',
      });
      for (const error of document.errors) {
        this.faults.push({
          line: this.lineCounter.linePos(error.pos[0]).line,
          path: '',
          message: `not YAML: ${error.message}`,
        });
      }
      if (document.errors.length > 0) return undefined;
      return this.place(document.contents, '', '');
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return this.fault('', 'the file is nested too deeply');
    }
  }

  private entries(
    value: Value,
    limit: number,
    accept: (key: string, path: string) => boolean,
  ): readonly (readonly [string, Value])[] | undefined {
    const { node, path } = value;
    if (!isMap(node)) return this.wrongType(value, 'a mapping');
    if (node.items.length > limit) {
      return this.fault(path, `${node.items.length} entries; at most ${limit} are taken`);
    }
    const found = new Map<string, Value>();
    for (const { key, value: item } of node.items) {
      const word = isScalar(key) ? (key.source ?? String(key.value)) : undefined;
      if (word === undefined) {
        this.fault(path, 'a key is not a plain word');
        continue;
      }
      const at = path === '' ? word : `${path}.${word}`;
      const first = this.lineOfPath.get(at);
      this.place(key as YamlNode, at, path);
      if (found.has(word)) {
        this.fault(at, `is there twice, first on line ${first}`);
        continue;
      }
      if (!accept(word, at)) continue;
      found.set(word, this.place(item as YamlNode | null, at, path));
    }
    return [...found];
  }

  private scalar(value: Value): unknown {
    return isScalar(value.node) ? value.node.value : undefined;
  }

  private wrongType(value: Value, wanted: string): undefined {
    if (isAlias(value.node))
      return this.fault(value.path, 'aliases are not taken; write the value out');
    const shown = isMap(value.node)
      ? 'a mapping'
      : isSeq(value.node)
        ? 'a list'
        : isScalar(value.node) && value.node.value !== null
          ? JSON.stringify(value.node.source ?? value.node.value)
          : 'nothing';
    return this.fault(value.path, `must be ${wanted}, not ${shown}`);
  }

  /** Remembers the line of a path: its node's own, or that of what holds it where the node is empty. */
  private place(node: YamlNode | null, path: string, parent: string): Value {
    const start = node?.range?.[0];
    this.lineOfPath.set(
      path,
      start === undefined ? this.lineOf(parent) : this.lineCounter.linePos(start).line,
    );
    return { node, path };
  }

  private lineOf(path: string): number {
    for (let at = path; ; at = at.slice(0, Math.max(at.lastIndexOf('.'), at.lastIndexOf('['), 0))) {
      const line = this.lineOfPath.get(at);
      if (line !== undefined) return line;
    }
  }
}

/** `routers:` with nothing after it: what people write for "none". */
function isEmpty(value: Value): boolean {
  return value.node === null || (isScalar(value.node) && value.node.value === null);
}
