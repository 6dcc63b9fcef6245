/** The only hands of the lab: runs scripts/lab/*.sh and single tools, never through a shell. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DvrError } from '../model/errors.js';

/** Top of the checkout, seen from src/lab as from dist/lab. */
export const root = fileURLToPath(new URL('../../', import.meta.url));
export const mainFile = `${root}dist/cli/main.js`;
export const defaultTopologyFile = `${root}scripts/lab/topology.yaml`;

/** Longer than any of them takes on a busy machine. */
const kTimeoutMs = 30_000;

/** Answers with what the script printed. @throws DvrError DVR_SCRIPT_FAILED with what it complained of. */
export function runScript(script: 'fabric' | 'node' | 'outside' | 'provider' | 'vm', ...args: string[]): Promise<string> {
  return runTool(`${root}scripts/lab/${script}.sh`, args);
}

/** @throws DvrError DVR_SCRIPT_FAILED */
export function runTool(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { timeout: kTimeoutMs, encoding: 'utf8' }, (cause, stdout, stderr) => {
      if (cause === null) return resolve(stdout);
      const said = stderr.trim() === '' ? cause.message : stderr.trim();
      reject(new DvrError('DVR_SCRIPT_FAILED', `${file} ${args.join(' ')}: ${said}`,
        'the lab needs root, iproute2, ethtool and procps; `scripts/setup` installs them', { cause }));
    });
  });
}
