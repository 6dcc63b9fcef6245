/** Bodies of API requests: parsed once, here. What is wrong is told by field, with what would be right. */
import {
  ipFromText,
  ipOrCidrFromText,
  portMacFromText,
  type AddressText,
} from '../model/address-text.js';
import type { Cidr, IpAddress, MacAddress } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import {
  interfaceNameRule,
  isInterfaceName,
  nameRule,
  nearestWord,
  parseName,
  type Name,
} from '../model/identifiers.js';
import { MAX_ADDRESS_PAIRS_PER_PORT, MAX_IPS_PER_PORT } from '../model/limits.js';
import { nodeCallMethods, type NodeCallMethod } from '../model/node-call.js';
import type { AllowedAddressPair, PortAttachment } from '../model/resources.js';
import type { MigratePort } from './migrations.js';
import type { AttachRequest, PortChanges } from './state.js';

const DEFAULT_IFNAME = 'eth0';
/** PATH_MAX. */
const MAX_PATH_BYTES = 4_096;
const MAX_PID = 2 ** 22;

type Body = Readonly<Record<string, unknown>>;

export function parseAttachRequest(name: string, body: unknown): AttachRequest {
  const fields = bodyOf(body, ['network', 'node', 'ip', 'netns', 'pid', 'dev', 'ifname']);
  const network = optional(fields, 'network', nameOf);
  const node = optional(fields, 'node', nameOf);
  const ip = optional(fields, 'ip', ipOf);
  return {
    name: nameOf(name, 'the port name'),
    ...(network === undefined ? {} : { network }),
    ...(node === undefined ? {} : { node }),
    ...(ip === undefined ? {} : { ip }),
    attachment: attachmentOf(fields),
  };
}

/** Where the port is plugged in there may be left out: then whoever moves it says so later. */
export function parseMigration(name: string, body: unknown): Extract<MigratePort, { step: 'prepare' }> {
  const fields = bodyOf(body, ['node', 'netns', 'pid', 'dev', 'ifname']);
  const isPlugged = ['netns', 'pid', 'dev', 'ifname'].some((key) => fields[key] !== undefined);
  return {
    command: 'migratePort',
    name,
    step: 'prepare',
    to: nameOf(fields['node'], 'node'),
    ...(isPlugged ? { attachment: attachmentOf(fields) } : {}),
  };
}

export function parsePortChanges(body: unknown): PortChanges {
  const fields = bodyOf(body, ['ips', 'allowedAddressPairs', 'mac']);
  const ips = optional(fields, 'ips', (value, what) => listOf(value, what, MAX_IPS_PER_PORT, ipOf));
  const pairs = optional(fields, 'allowedAddressPairs', (value, what) =>
    listOf(value, what, MAX_ADDRESS_PAIRS_PER_PORT, pairOf),
  );
  const mac = optional(fields, 'mac', macOf);
  return {
    ...(ips === undefined ? {} : { ips: [...new Set(ips)] }),
    ...(pairs === undefined ? {} : { allowedAddressPairs: pairs }),
    ...(mac === undefined ? {} : { mac }),
  };
}

export function parseNodeCall(body: unknown): {
  readonly method: NodeCallMethod;
  readonly params: Body;
} {
  const fields = bodyOf(body, ['method', 'params']);
  const method = nodeCallMethods.find((known) => known === fields['method']);
  if (method === undefined)
    throw usage(
      `method: ${JSON.stringify(fields['method'])} is not one of ${nodeCallMethods.join(', ')}`,
    );
  const params = fields['params'] ?? {};
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw usage('params: must be an object');
  return { method, params: params as Body };
}

function attachmentOf(fields: Body): PortAttachment {
  const netns = optional(fields, 'netns', netnsOf);
  const pid = optional(fields, 'pid', pidOf);
  const device = optional(fields, 'dev', ifnameOf);
  if ([netns, pid, device].filter((place) => place !== undefined).length !== 1)
    throw usage('exactly one of netns, pid and dev says where the port is plugged in');
  if (device !== undefined) {
    if (fields['ifname'] !== undefined)
      throw usage('ifname: a device that is there keeps its name; leave ifname out');
    return { ifname: device };
  }
  const ifname = optional(fields, 'ifname', ifnameOf) ?? DEFAULT_IFNAME;
  return {
    ...(netns === undefined ? {} : { netns }),
    ...(pid === undefined ? {} : { pid }),
    ifname,
  };
}

function netnsOf(value: unknown, what: string): string {
  const path = textOf(value, what);
  if (!path.startsWith('/') || path.includes('\0') || Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw usage(`${what}: ${JSON.stringify(path)} is no absolute path`);
  }
  return path;
}

function pidOf(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_PID)
    return value;
  throw usage(`${what}: ${JSON.stringify(value)} is no process id`);
}

function ifnameOf(value: unknown, what: string): string {
  const name = textOf(value, what);
  if (isInterfaceName(name)) return name;
  throw usage(
    `${what}: ${JSON.stringify(name)} cannot name a network device; ${interfaceNameRule}`,
  );
}

function pairOf(value: unknown, what: string): AllowedAddressPair {
  const fields = bodyOf(value, ['ip', 'mac']);
  const ip = ipOrCidrOf(fields['ip'], `${what}.ip`);
  const mac = fields['mac'] === undefined ? undefined : macOf(fields['mac'], `${what}.mac`);
  return { ip, ...(mac === undefined ? {} : { mac }) };
}

function nameOf(value: unknown, what: string): Name {
  const name = parseName(textOf(value, what));
  if (name !== undefined) return name;
  throw usage(`${what}: ${JSON.stringify(value)} is no name; ${nameRule}`);
}

const ipOf = addressOf<IpAddress>(ipFromText);
const ipOrCidrOf = addressOf<IpAddress | Cidr>(ipOrCidrFromText);
const macOf = addressOf<MacAddress>(portMacFromText);

function addressOf<Address>(parse: (text: string) => AddressText<Address>) {
  return (value: unknown, what: string): Address => {
    const result = parse(textOf(value, what));
    if ('value' in result) return result.value;
    throw usage(`${what}: ${result.fault}`);
  };
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw usage(`${what}: must be a text`);
}

function listOf<Item>(
  value: unknown,
  what: string,
  limit: number,
  parse: (item: unknown, what: string) => Item,
): readonly Item[] {
  if (!Array.isArray(value)) throw usage(`${what}: must be a list`);
  if (value.length > limit)
    throw usage(`${what}: has ${value.length} entries; at most ${limit} are taken`);
  return value.map((item: unknown, at) => parse(item, `${what}[${at}]`));
}

function optional<Parsed>(
  fields: Body,
  key: string,
  parse: (value: unknown, what: string) => Parsed,
): Parsed | undefined {
  return fields[key] === undefined ? undefined : parse(fields[key], key);
}

function bodyOf(body: unknown, known: readonly string[]): Body {
  const fields = body ?? {};
  if (typeof fields !== 'object' || Array.isArray(fields))
    throw usage('the body must be an object');
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    const near = nearestWord(key, known);
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`;
    throw usage(`"${key}" is unknown; ${hint}`);
  }
  return fields as Body;
}

function usage(message: string): DvrError {
  return new DvrError('DVR_USAGE', message, 'nothing was changed');
}
