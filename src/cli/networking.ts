/**
 * What the short commands for networks, subnets, routers and floating IPs share: they speak the Networking API,
 * as `openstack` does, for those who have only `dvr`.
 */
import type { Command } from 'commander';
import { DvrError } from '../model/errors.js';
import { controllerClient, type Method } from './client.js';
import { columns, print } from './output.js';

export type Resource = Readonly<Record<string, unknown>> & { readonly id: string };
export interface Shown {
  readonly json?: true;
}

/** A kind of resource, and what its list shows. */
export interface ResourceKind {
  /** As the command is called, and as the API calls one. */
  readonly word: string;
  readonly singular: string;
  readonly plural: string;
  readonly about: string;
  /** Headings, and what is below them. */
  readonly columns: Readonly<Record<string, (resource: Resource) => string>>;
  readonly example: string;
}

export const networking = (method: Method, path: string, body?: unknown) =>
  controllerClient().networking(method, path, body);

/** The command with its `list`, `show` and `delete`; `create` and more are the caller's to add. */
export function resourceCommand(
  program: Command,
  kind: ResourceKind,
): (words: string, does: string, example: string) => Command {
  const { word, about, example } = kind;
  const command = program
    .command(word)
    .description(about)
    .addHelpText('after', `\nExample:\n  dvr ${word} ${example}\n`);
  const add = (words: string, does: string, shown: string): Command =>
    command
      .command(words)
      .description(does)
      .option('--json', 'print JSON')
      .addHelpText('after', `\nExample:\n  dvr ${word} ${shown}\n`);
  add('list', `all of them`, 'list').action(async ({ json }: Shown) => {
    const all = await listOf(kind.plural);
    print(json, all, () => tableOf(kind, all));
  });
  add('show <name>', 'one of them, by name or UUID', 'show NAME').action(
    async (name: string, { json }: Shown) => {
      show(await found(kind, name), json);
    },
  );
  add('delete <name>', 'take it away, by name or UUID', 'delete NAME').action(
    async (name: string, { json }: Shown) => {
      const { id } = await found(kind, name);
      await networking('DELETE', `/${kind.plural}/${id}`);
      print(json, { deleted: id }, () => `${name} is gone`);
    },
  );
  return add;
}

export async function listOf(plural: string): Promise<readonly Resource[]> {
  return (await networking('GET', `/${plural}`))[plural] as readonly Resource[];
}

/** By name, by UUID, or for floating IPs by address. @throws DvrError DVR_NOT_FOUND, DVR_CONFLICT */
export async function found(
  { plural, word }: Pick<ResourceKind, 'plural' | 'word'>,
  text: string,
): Promise<Resource> {
  const all = await listOf(plural);
  const named = all.filter((one) =>
    [one.id, one['name'], one['floating_ip_address'], one['cidr']].includes(text),
  );
  const [one, other] = named;
  if (one === undefined) {
    const known = all.slice(0, 10).map(labelOf).join(', ');
    throw new DvrError(
      'DVR_NOT_FOUND',
      `there is no ${word} "${text}"`,
      known === '' ? 'there are none' : `there are ${known}`,
    );
  }
  if (other !== undefined)
    throw new DvrError(
      'DVR_CONFLICT',
      `${named.length} are called "${text}"`,
      `give a UUID: ${named.map(({ id }) => id).join(', ')}`,
    );
  return one;
}

export async function create(kind: ResourceKind, fields: object, { json }: Shown): Promise<void> {
  const answer = await networking('POST', `/${kind.plural}`, { [kind.singular]: given(fields) });
  show(answer[kind.singular] as Resource, json);
}

export async function change(kind: ResourceKind, id: string, fields: object, { json }: Shown): Promise<void> {
  const answer = await networking('PUT', `/${kind.plural}/${id}`, { [kind.singular]: given(fields) });
  show(answer[kind.singular] as Resource, json);
}

/** What was not said is not sent. */
const given = (fields: object): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

export function show(resource: Resource, json: true | undefined): void {
  print(json, resource, () =>
    Object.entries(resource)
      .map(([key, value]) => `${key.padEnd(26)}${textOf(value)}`)
      .join('\n'),
  );
}

export const labelOf = (resource: Resource): string =>
  [resource['name'], resource['floating_ip_address'], resource['cidr'], resource.id].find(
    (text) => typeof text === 'string' && text !== '',
  ) as string;

function tableOf({ columns: shown }: ResourceKind, all: readonly Resource[]): string {
  return columns([
    Object.keys(shown),
    ...all.map((resource) => Object.values(shown).map((cell) => cell(resource))),
  ]);
}

export const textOf = (value: unknown): string =>
  value === null || value === undefined || value === ''
    ? '-'
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value as string | number | boolean);
