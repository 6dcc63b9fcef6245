/** What the bench's programs have in common: they stop at once when asked to, and leave nothing. */
import { Commands } from './commands.js';

const kInterrupted = 130;

/**
 * Runs `main` and leaves with the code it answers: 1 if it throws, 130 when interrupted. Children end with
 * it; namespaces go with scripts/isolated.
 */
export function runProgram(name: string, main: (commands: Commands) => Promise<number>): void {
  const interrupted = new AbortController();
  const commands = new Commands(interrupted.signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => { interrupted.abort(new Error('interrupted')); });
  }
  main(commands)
    .catch((error: unknown) => {
      const isInterrupted = interrupted.signal.aborted;
      const why = isInterrupted ? 'interrupted; nothing is left' : (error as Error).message;
      process.stderr.write(`${name}: ${why}\n`);
      return isInterrupted ? kInterrupted : 1;
    })
    .then(async (code) => {
      await commands.close();
      process.exitCode = code;
    })
    .catch(() => { process.exitCode = 1; });
}
