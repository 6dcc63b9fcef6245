/** The real `openstack` command, as somebody without Keystone runs it: from an empty folder, with no environment. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { type Ran, run } from './lab.js';

const kCommandMs = 60_000;
export const kApi = 'http://127.0.0.1:9696';

const withoutKeystone = ['--os-auth-type', 'none', '--os-endpoint', kApi];
const withKeystone = [
  '--os-auth-type', 'password', '--os-auth-url', `${kApi}/identity/v3`, '--os-username', 'anybody', '--os-password', 'anything',
  '--os-project-name', 'admin', '--os-user-domain-id', 'default', '--os-project-domain-id', 'default', '--os-identity-api-version', '3',
];

export interface OpenStack {
  /** One command; what it says is an answer, also when it fails. */
  ask(...words: string[]): Promise<Ran>;
  /** One command with the identity service of the API. */
  askAsSomebody(...words: string[]): Promise<Ran>;
  /** Many commands in one process, for it takes seconds to start; answers with what went wrong. */
  script(...lines: string[]): Promise<string>;
  /** Many questions in one process, and their answers as JSON; nothing may go wrong. */
  answers(...lines: string[]): Promise<readonly Shown[]>;
}

/** One thing shown, or rows of a list, by their titles. */
export type Shown = Row & readonly Row[];
export type Row = Readonly<Record<string, unknown>>;

export function openStack(): OpenStack {
  const empty = mkdtempSync(join(tmpdir(), 'dvr-openstack-'));
  afterAll(() => { rmSync(empty, { recursive: true, force: true }); });
  const start = (argv: readonly string[]): Promise<Ran> =>
    run('env', ['-i', '-C', empty, 'PATH=/usr/bin:/bin', `HOME=${empty}`, ...argv], kCommandMs);
  const script = async (lines: readonly string[]): Promise<Ran> => {
    writeFileSync(join(empty, 'script'), lines.join('\n') + '\n');
    return await start(['sh', '-c', 'exec "$@" <script', 'sh', 'openstack', ...withoutKeystone]);
  };
  const ask = (...words: string[]): Promise<Ran> => start(['openstack', ...withoutKeystone, ...words]);
  return {
    ask,
    askAsSomebody: (...words) => start(['openstack', ...withKeystone, ...words]),
    script: async (...lines) => (await script(lines)).stderr,
    answers: async (...lines) => {
      const { stdout, stderr } = await script(lines.map((line) => `${line} -f json`));
      const documents = stdout.match(/^(?:\[\]|[[{]\n[^]*?\n[\]}])$/gm) ?? [];
      if (stderr !== '' || documents.length !== lines.length) throw new Error(stderr + stdout);
      return documents.map((document) => JSON.parse(document) as Shown);
    },
  };
}
