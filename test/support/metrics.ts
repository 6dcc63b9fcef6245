/** Prometheus' text format, read as strictly as its own parser reads it. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly samples: readonly Sample[];
  /** By metric: its type. */
  readonly types: ReadonlyMap<string, string>;
  /** The one sample with that name and those labels. @throws where there is none, or more. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

const kLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const kLabel = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/g;
/** What a histogram appends to its name. */
const kParts = /_(bucket|sum|count)$/;

/** @throws where a line is none, a sample has no HELP and TYPE before it, or is there twice. */
export function readMetrics(text: string): Scrape {
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, word, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (word === 'HELP') helped.add(about);
    else if (word === 'TYPE') types.set(about, rest);
    else {
      const sample = sampleOf(line);
      const metric = types.has(sample.name) ? sample.name : sample.name.replace(kParts, '');
      if (!types.has(metric) || !helped.has(metric)) throw new Error(`nothing says what this is: ${line}`);
      const key = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(key)) throw new Error(`twice: ${key}`);
      seen.add(key);
      samples.push(sample);
    }
  }
  const value = (name: string, labels: Readonly<Record<string, string>> = {}): number => {
    const found = samples.filter((sample) => sample.name === name
      && Object.entries(labels).every(([label, text]) => sample.labels[label] === text));
    if (found.length !== 1) throw new Error(`${found.length} samples are ${name} ${JSON.stringify(labels)}`);
    return found[0]?.value ?? NaN;
  };
  return { samples, types, value };
}

function sampleOf(line: string): Sample {
  const [, name = '', labelText = '', text = ''] = kLine.exec(line) ?? [];
  const value = Number(text);
  const pairs = [...labelText.matchAll(kLabel)];
  const isWhole = pairs.map(([whole]) => whole).join('') === labelText;
  if (name === '' || Number.isNaN(value) || !isWhole) throw new Error(`no line of the text format: ${line}`);
  return { name, value, labels: Object.fromEntries(pairs.map(([, label = '', said = '']) => [label, said])) };
}
