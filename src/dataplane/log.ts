/** Log lines of the node's processes: one JSON object a line on stderr, for systemd's journal. */

export type LogLevel = 'info' | 'warn' | 'error';
export type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Longest text kept of one value, so that a line stays a line. */
const kMaxTextLength = 2000;

export const logLine: Log = (level, message, fields = {}) => {
  const time = new Date().toISOString();
  process.stderr.write(`${JSON.stringify({ time, level, message, ...fields }, shorten)}\n`);
};

function shorten(_key: string, value: unknown): unknown {
  if (value instanceof Error) return shorten('', value.message);
  const isLong = typeof value === 'string' && value.length > kMaxTextLength;
  return isLong ? `${value.slice(0, kMaxTextLength)}…` : value;
}
