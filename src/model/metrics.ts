/**
 * Numbers for Prometheus, in its text format: what controller and agents count. The only file that knows
 * prom-client.
 *
 * Most numbers are there anyway and are read when somebody asks; only what happens in between is counted here.
 * Every label has values of a bounded set: a name of the registry, or of a node, port or router, of which there are as
 * many as limits.ts and the tables of the fast path let there be.
 */
import { readdirSync } from 'node:fs';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;
/** The values of a metric's labels, in their order, and the number. */
export type Series = readonly [...labels: string[], value: number];

type Kind = 'gauge' | 'counter';

export class Metrics {
  readonly #registry = new Registry();

  /** @param prepare called before each reading. */
  constructor(private readonly prepare: () => Promise<void> = async () => {}) {
    this.#addProcess();
  }

  /** Goes up and down; read when asked for. */
  gauge(name: string, help: string, labels: readonly string[], read: () => Iterable<Series>): void {
    this.#read('gauge', name, help, labels, read);
  }

  /** Only grows, until whoever counts begins anew; read when asked for. */
  total(name: string, help: string, labels: readonly string[], read: () => Iterable<Series>): void {
    this.#read('counter', name, help, labels, read);
  }

  /** Answers with what counts one more. */
  count(name: string, help: string, labelNames: readonly string[]): (labels: Labels) => void {
    const counter = new Counter({ name, help, labelNames, registers: [this.#registry] });
    return (labels) => { counter.inc(labels); };
  }

  /** Answers with what takes a value in. */
  histogram(name: string, help: string, buckets: readonly number[]): (value: number) => void {
    const histogram = new Histogram({ name, help, buckets: [...buckets], registers: [this.#registry] });
    return (value) => { histogram.observe(value); };
  }

  get contentType(): string { return this.#registry.contentType; }

  async text(): Promise<string> {
    await this.prepare();
    return await this.#registry.metrics();
  }

  /** Names and what they mean, for the document that lists them. */
  async described(): Promise<readonly { readonly name: string; readonly type: string; readonly help: string }[]> {
    const all = await this.#registry.getMetricsAsJSON();
    return all.map(({ name, type, help }) => ({ name, type: String(type), help }));
  }

  #read(kind: Kind, name: string, help: string, labelNames: readonly string[], read: () => Iterable<Series>): void {
    const named = (values: readonly string[]): Labels =>
      Object.fromEntries(labelNames.map((label, at) => [label, values[at] ?? '']));
    const series = (): readonly (readonly [Labels, number])[] => [...read()].map((one) =>
      [named(one.slice(0, -1) as string[]), one.at(-1) as number]);
    const common = { name, help, labelNames, registers: [this.#registry] };
    if (kind === 'gauge') new Gauge({ ...common, collect() {
      this.reset();
      for (const [labels, value] of series()) this.set(labels, value);
    } });
    else new Counter({ ...common, collect() {
      this.reset();
      for (const [labels, value] of series()) this.inc(labels, value);
    } });
  }

  /** The library's own set of these samples the event loop a hundred times a second: an idle process would not be idle. */
  #addProcess(): void {
    this.total('process_cpu_seconds_total', 'CPU time of this process, in seconds.', [],
      () => [[(process.cpuUsage().user + process.cpuUsage().system) / 1e6]]);
    this.gauge('process_resident_memory_bytes', 'Memory of this process, in bytes.', [],
      () => [[process.memoryUsage.rss()]]);
    this.gauge('process_open_fds', 'Open descriptors of this process.', [], () => [[readdirSync('/proc/self/fd').length]]);
    const startedSeconds = Math.round(Date.now() / 1000 - process.uptime());
    this.gauge('process_start_time_seconds', 'When this process began, in seconds since 1970.', [],
      () => [[startedSeconds]]);
  }
}
