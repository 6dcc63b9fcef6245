/** Log lines of the node's processes: one JSON object a line on stderr, where systemd's journal picks them up. */

export type LogLevel = 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Longest text kept of one value, so that a line stays a line. */
const kMaxTextBytes = 2000;

export const logLine: Log = (level, message, fields = {}) => {
  const time = new Date().toISOString();
  process.stderr.write(`${JSON.stringify({ time, level, message, ...fields }, shorten)}\n`);
};

function shorten(_key: string, value: unknown): unknown {
  if (value instanceof Error) return shorten('', value.message);
  return typeof value === 'string' && value.length > kMaxTextBytes ? `${value.slice(0, kMaxTextBytes)}…` : value;
}
