/** Commands that only look: whatever they answer is an answer, also that there is no such command. */
import { execFile } from 'node:child_process';

export interface Said { readonly code: number; readonly stdout: string; readonly stderr: string }

const kTimeoutMs = 2500;
const kMaxOutputBytes = 4 << 20;

export function said(command: string, words: readonly string[]): Promise<Said> {
  return new Promise((done) => {
    const options = { timeout: kTimeoutMs, maxBuffer: kMaxOutputBytes, killSignal: 'SIGKILL' } as const;
    execFile(command, words, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      done({ code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
    });
  });
}

/** What `ip -json` shows; nothing where it fails. */
export async function shown(...words: readonly string[]): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const { stdout } = await said('ip', ['-json', ...words]);
  return stdout.trim() === '' ? [] : JSON.parse(stdout) as Readonly<Record<string, unknown>>[];
}
