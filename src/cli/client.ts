/**
 * Every command's way to the controller: HTTP over its unix socket, one request a call. Nothing is kept
 * open between calls, so there is nothing to close. The controller's problem documents (RFC 9457)
 * become the DvrErrors they were made from.
 */
import { request } from 'node:http';
import type { PortStatus, Status } from '../controller/status.js';
import { DvrError, errorCodes, type ErrorCode } from '../model/errors.js';
import type { NodeCallMethod } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';
import { controllerSocket } from '../model/paths.js';
import type { Cluster, NodeCallResults } from '../trace/cluster.js';

/** What a port is plugged into; a port that does not exist yet is made from `network` and `ip`. */
export interface AttachRequest {
  readonly network?: string;
  readonly node?: string;
  readonly ip?: string;
  readonly netns?: string;
  readonly pid?: number;
  readonly ifname?: string;
  readonly dev?: string;
}

export interface PortChange {
  readonly ips?: readonly string[];
  readonly allowedAddressPairs?: readonly { readonly ip: string; readonly mac?: string }[];
}

export interface Applied {
  readonly generation: number;
  /** False where everything was so already. */
  readonly changed: boolean;
}

export interface Client extends Cluster {
  status(): Promise<Status>;
  attach(port: string, plug: AttachRequest): Promise<PortStatus>;
  detach(port: string): Promise<unknown>;
  update(port: string, change: PortChange): Promise<PortStatus>;
  remove(port: string): Promise<unknown>;
  /** Applies a topology file. */
  apply(text: string): Promise<Applied>;
  /** A request of the Networking API, below /v2.0. @throws DvrError what Neutron's fault says */
  networking(method: Method, path: string, body?: unknown): Promise<Readonly<Record<string, unknown>>>;
  /** The topology file of what there is. */
  exported(): Promise<string>;
  prepareMigration(port: string, to: Omit<AttachRequest, 'network' | 'ip'>): Promise<PortStatus>;
  finishMigration(port: string): Promise<PortStatus>;
  abortMigration(port: string): Promise<PortStatus>;
}

/** Longer than the controller waits for a node (5 s), so that its own error comes first. */
const kAskDeadlineMs = 8_000;
/** Plugging waits for an agent that runs scripts. */
const kPlugDeadlineMs = 30_000;
/** All tables of a node with a million rows are about this large. */
const kMaxAnswerBytes = 256 << 20;
const kMaxShownLength = 80;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What is sent, and as what. */
interface Body {
  readonly type: 'application/json' | 'application/yaml';
  readonly text: string;
}

/**
 * @example
 * const { ports } = await controllerClient().status();
 */
export function controllerClient(socketPath: string = controllerSocket()): Client {
  const ask = async <T>(
    method: Method, path: string, body?: unknown, deadlineMs = kAskDeadlineMs,
  ): Promise<T> => {
    const sent = body === undefined ? undefined : { type: 'application/json', text: JSON.stringify(body) } as const;
    return parseAnswer(await exchange(socketPath, method, `/dvr/v1${path}`, sent, deadlineMs)) as T;
  };
  const of = (kind: 'nodes' | 'ports', name: string): string =>
    `/${kind}/${encodeURIComponent(name)}`;
  const status = (): Promise<Status> => ask('GET', '/status');
  return {
    status,
    nodes: async () => (await status()).nodes,
    ports: async () => (await status()).ports,
    view: (node) => ask<NodeView>('GET', `${of('nodes', node)}/view`),
    nodeCall: async <M extends NodeCallMethod>(
      node: string, method: M, params: Readonly<Record<string, unknown>> = {},
    ) => {
      type Answer = { readonly result: NodeCallResults[M] };
      return (await ask<Answer>('POST', `${of('nodes', node)}/call`, { method, params })).result;
    },
    attach: (port, plug) => ask('POST', `${of('ports', port)}/attach`, plug, kPlugDeadlineMs),
    detach: (port) => ask('POST', `${of('ports', port)}/detach`, {}, kPlugDeadlineMs),
    update: (port, change) => ask('PATCH', of('ports', port), change),
    remove: (port) => ask('DELETE', of('ports', port), undefined, kPlugDeadlineMs),
    apply: async (text) =>
      parseAnswer(await exchange(socketPath, 'PUT', topologyPath, { type: 'application/yaml', text }, kPlugDeadlineMs)) as Applied,
    networking: async (method, path, body) => {
      const sent = body === undefined ? undefined : { type: 'application/json', text: JSON.stringify(body) } as const;
      const answer = await exchange(socketPath, method, `/v2.0${path}`, sent, kAskDeadlineMs);
      return parseAnswer(answer) as Readonly<Record<string, unknown>>;
    },
    exported: () => exchange(socketPath, 'GET', topologyPath, undefined, kAskDeadlineMs),
    prepareMigration: (port, to) => ask('POST', `${of('ports', port)}/migration`, to, kPlugDeadlineMs),
    finishMigration: (port) => ask('POST', `${of('ports', port)}/migration/finish`, {}, kPlugDeadlineMs),
    abortMigration: (port) => ask('DELETE', `${of('ports', port)}/migration`),
  };
}

const topologyPath = '/dvr/v1/topology';

/** The text of the answer. @throws DvrError what the controller refuses it with */
async function exchange(
  socketPath: string, method: Method, path: string, body: Body | undefined, deadlineMs: number,
): Promise<string> {
  const answer = await send(socketPath, method, path, body, deadlineMs);
  if (answer.status >= 200 && answer.status < 300) return answer.text;
  throw errorOf(parseAnswer(answer.text), answer.status, `${method} ${path}`);
}

function send(
  socketPath: string, method: Method, path: string, body: Body | undefined, deadlineMs: number,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined
      ? {}
      : { 'content-type': body.type, 'content-length': Buffer.byteLength(body.text) };
    const signal = AbortSignal.timeout(deadlineMs);
    const fail = (error: Error): void => reject(unreachable(socketPath, error, deadlineMs));
    const asked = request({ socketPath, method, path, headers, signal }, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= kMaxAnswerBytes) chunks.push(chunk);
        else asked.destroy(new Error(`the answer is larger than ${kMaxAnswerBytes} bytes`));
      });
      answer.on('error', fail);
      answer.on('end', () => {
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    asked.on('error', fail);
    asked.end(body?.text);
  });
}

function parseAnswer(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DvrError(
      'DVR_CONTROLLER_UNREACHABLE',
      `the controller's answer is no JSON: ${text.slice(0, kMaxShownLength)}`,
      'is the controller of the same version?',
      { cause },
    );
  }
}

function errorOf(problem: unknown, status: number, asked: string): DvrError {
  type Problem = { readonly code?: unknown; readonly detail?: unknown; readonly hint?: unknown };
  type Fault = { readonly NeutronError?: { readonly message?: unknown } };
  const fault = (problem as Fault | null)?.NeutronError;
  const { code, detail, hint } = (fault === undefined ? (problem ?? {}) : { detail: fault.message }) as Problem;
  const text = typeof detail === 'string'
    ? detail
    : `the controller answered ${status} to ${asked}`;
  return new DvrError(codeOf(code, status), text, typeof hint === 'string' ? hint : '');
}

/** A code this version does not know keeps its class: the caller's mistake, or the controller's trouble. */
function codeOf(code: unknown, status: number): ErrorCode {
  if (typeof code === 'string' && Object.hasOwn(errorCodes, code)) return code as ErrorCode;
  if (status === 404) return 'DVR_NOT_FOUND';
  return status < 500 ? 'DVR_USAGE' : 'DVR_CONTROLLER_UNREACHABLE';
}

function unreachable(socketPath: string, cause: Error, deadlineMs: number): DvrError {
  if (cause.name === 'AbortError' || cause.name === 'TimeoutError') {
    return new DvrError(
      'DVR_TIMEOUT',
      `the controller at ${socketPath} did not answer within ${deadlineMs / 1000} s`,
      'see its log',
      { cause },
    );
  }
  return new DvrError(
    'DVR_CONTROLLER_UNREACHABLE', `no controller answers at ${socketPath}: ${cause.message}`,
    'start one: `dvr lab up`, or `dvr controller --topology FILE` (as root)', { cause },
  );
}
