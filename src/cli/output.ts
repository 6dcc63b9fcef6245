/** What every command shares: printing results, progress and errors the same way. */
import { DvrError } from '../model/errors.js';

/** What a command that looks answers with, where all went well and something was found. */
export const exitCodes = { unanswered: 4, differs: 6, broken: 7 } as const;

/** Prints `value` as JSON on one stream, or `text` for people. */
export function print(asJson: boolean | undefined, value: unknown, text: () => string): void {
  process.stdout.write(asJson === true ? `${JSON.stringify(value, null, 2)}\n` : `${text()}\n`);
}

/** A line of progress on stderr, so that stdout stays the result. */
export function progress(line: string): void {
  process.stderr.write(`dvr: ${line}\n`);
}

/** Prints the error with its hint and leaves with its exit code; `--json` prints the problem document. */
export function fail(error: unknown): never {
  if (error instanceof DvrError) {
    if (asksJson(process.argv)) process.stdout.write(`${JSON.stringify(error.toProblem(), null, 2)}\n`);
    process.stderr.write(`dvr: ${error.message}\n${error.hint === '' ? '' : `     ${error.hint}\n`}`);
    process.exit(error.exitCode);
  }
  process.stderr.write(`dvr: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(70);
}

/** What comes after `--` is another command's, whose --json is not ours. */
export function asksJson(argv: readonly string[]): boolean {
  const own = argv.indexOf('--');
  return (own === -1 ? argv : argv.slice(0, own)).includes('--json');
}

/** Columns of text, padded to the widest cell; the first row is the heading. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => { widths[at] = Math.max(widths[at] ?? 0, cell.length); });
  const padded = (row: readonly string[]): string[] => row.map((cell, at) => cell.padEnd(widths[at] ?? 0));
  return rows.map((row) => padded(row).join('  ').trimEnd()).join('\n');
}
