/**
 * The agent's end of the controller's stream: a WebSocket at /dvr/v1/agent, over the controller's unix
 * socket (`unix:PATH`, the lab) or over TCP with the cluster key (`IP:PORT`, real machines).
 *
 * The first view of a connection is whole, the others are told by what differs from the one before.
 * Connects for ever, with bounded waits: a node does its work without its controller, and takes it up
 * again the moment there is one. Messages are those of src/model/node-call.ts, one a frame.
 */
import { WebSocket } from 'ws';
import type { Log } from '../dataplane/log.js';
import { DvrError } from '../model/errors.js';
import { MAX_STREAM_MESSAGE_BYTES } from '../model/limits.js';
import type { AgentMessage, AnnouncedAddress, ControllerMessage, NodeCallMethod } from '../model/node-call.js';
import type { NodeReport, NodeView } from '../model/node-view.js';
import { applyDelta, type ViewDelta } from '../model/view-delta.js';
import { parseControllerMessage } from './controller-messages.js';

export interface ControllerClientParts {
  /** `unix:PATH` or `IP:PORT`. */
  readonly address: string;
  /** Proves the cluster key to the other side, and has it prove the same; nothing on a unix socket. */
  readonly authenticate?: (socket: WebSocket) => Promise<void>;
  /** What to say first. It may fail (the VTEP's address is not there yet): then it is tried again. */
  readonly register: () => Promise<AgentMessage>;
  /** Takes a view, and answers with the one to go on from: it says the same, and may share more. */
  readonly onView: (view: NodeView) => NodeView;
  readonly onCall: (method: NodeCallMethod, params: Readonly<Record<string, unknown>>) => Promise<unknown>;
  /** Once registered; a report that was missed can be said again. */
  readonly onReady: () => void;
  readonly log: Log;
}

export interface ControllerClient {
  report(report: NodeReport): void;
  announce(addresses: readonly AnnouncedAddress[]): void;
  close(): void;
}

const kPath = '/dvr/v1/agent';
const kFirstWaitMs = 50;
const kLongestWaitMs = 2000;
const kHandshakeTimeoutMs = 5000;
/** A controller that answers no ping in this time is gone, even if TCP has not noticed. */
const kSilenceMs = 15_000;
const kPingMs = 5000;
/** Calls at work at once; more are refused. */
const kMaxCalls = 64;

export function urlOf(address: string): string {
  return address.startsWith('unix:') ? `ws+unix:${address.slice(5)}:${kPath}` : `ws://${address}${kPath}`;
}

/** The wait before the nth attempt: doubling, bounded, and spread so that nodes do not come all at once. */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(kLongestWaitMs, kFirstWaitMs * 2 ** Math.min(attempt, 16));
  return full * (0.5 + random / 2);
}

export function controllerClient(parts: ControllerClientParts): ControllerClient {
  let socket: WebSocket | undefined;
  let ready = false;
  let closed = false;
  let attempt = 0;
  let timer: NodeJS.Timeout | undefined;
  /** The last view of this connection; none: it has been asked for, or the first is still to come. */
  let view: NodeView | undefined;

  const say = (on: WebSocket, message: AgentMessage): void => {
    if (on.readyState === WebSocket.OPEN) on.send(JSON.stringify(message));
  };
  const again = (why: string): void => {
    ready = false;
    socket = undefined;
    view = undefined;
    if (closed) return;
    const { address } = parts;
    if (attempt === 0) parts.log('warn', 'the controller is not there; the node goes on', { address, why });
    timer = setTimeout(open, backoffMs(attempt++, Math.random()));
  };
  const begin = async (on: WebSocket): Promise<void> => {
    await parts.authenticate?.(on);
    on.on('message', (data: Buffer) => { receive(on, data); });
    say(on, await parts.register());
    ready = true;
    parts.log('info', 'registered with the controller', { address: parts.address });
    parts.onReady();
  };
  const open = (): void => {
    const on = new WebSocket(
      urlOf(parts.address), { handshakeTimeout: kHandshakeTimeoutMs, maxPayload: MAX_STREAM_MESSAGE_BYTES },
    );
    socket = on;
    let why = 'the connection ended';
    on.on('open', () => {
      // In the same turn: the other side's first message must find a listener.
      begin(on).catch((error: unknown) => {
        why = error instanceof Error ? error.message : String(error);
        on.terminate();
      });
    });
    on.on('error', (error) => { why = error.message; });
    on.on('close', () => { again(why); });
    watchSilence(on);
  };
  let calls = 0;
  const receive = (on: WebSocket, data: Buffer): void => {
    const message = parseControllerMessage(data);
    if (message === undefined) {
      parts.log('error', 'the controller sent a message that is none of ours', { bytes: data.length });
      on.terminate();
      return;
    }
    attempt = 0;
    if (message.type === 'view') view = parts.onView(message.view);
    else if (message.type === 'delta') change(on, message.delta);
    else call(on, message);
  };
  /** One that does not fit is the last before a whole view, which is asked for once. */
  const change = (on: WebSocket, delta: ViewDelta): void => {
    if (view === undefined) return;
    const next = applyDelta(view, delta);
    view = next && parts.onView(next);
    if (next !== undefined) return;
    parts.log('warn', 'a change does not fit the view that it is of; asking for the whole', { address: parts.address });
    say(on, { type: 'resync' });
  };
  const call = (on: WebSocket, { id, method, params }: Extract<ControllerMessage, { type: 'call' }>): void => {
    const failed = (error: unknown): void => { say(on, failureOf(id, error)); };
    if (calls >= kMaxCalls) {
      failed(new DvrError('DVR_TIMEOUT', `${String(kMaxCalls)} calls are at work already`, ''));
      return;
    }
    ++calls;
    parts.onCall(method, params)
      .then((result) => { say(on, { type: 'result', id, result }); }, failed)
      .finally(() => { --calls; });
  };
  open();
  return {
    report: (report) => { if (ready && socket !== undefined) say(socket, { type: 'report', report }); },
    announce: (addresses) => {
      if (ready && socket !== undefined && addresses.length > 0) say(socket, { type: 'announced', addresses });
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      socket?.terminate();
    },
  };
}

function watchSilence(socket: WebSocket): void {
  let heardMs = performance.now();
  socket.on('pong', () => { heardMs = performance.now(); });
  const pinger = setInterval(() => {
    if (performance.now() - heardMs > kSilenceMs) socket.terminate();
    else if (socket.readyState === WebSocket.OPEN) socket.ping();
  }, kPingMs);
  socket.on('close', () => { clearInterval(pinger); });
}

function failureOf(id: number, error: unknown): AgentMessage {
  const code = error instanceof DvrError ? error.code : 'DVR_DATAPLANE_REFUSED';
  return { type: 'failure', id, code, message: error instanceof Error ? error.message : String(error) };
}
