/**
 * One agent's connection: views and calls go out, reports and answers come in.
 *
 * The first view goes out whole, the next as what differs from the last one that was sent. Only the newest is worth
 * sending: while one is on its way the next waits alone, and a newer one takes its place. So a slow agent costs one
 * view of memory, however much changes meanwhile.
 */
import type { WebSocket } from 'ws';
import { DvrError, errorCodes, type ErrorCode } from '../model/errors.js';
import { MAX_VIEW_BYTES } from '../model/limits.js';
import type { AgentMessage, ControllerMessage, NodeCallMethod } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';
import { diffView } from '../model/view-delta.js';
import { parseAgentMessage } from './agent-messages.js';
import { viewText } from './view-text.js';

const PING_MS = 5_000;
/** An agent may be busy in a script for a while; three silent rounds are no accident. */
const MAX_SILENT_PINGS = 3;
/** Calls come from people; more at once than this is a loop. */
const MAX_CALLS = 64;
/** An agent says what has changed since it said the last; more than this unheard is a flood. */
const MAX_WAITING_MESSAGES = 64;
export const CALL_DEADLINE_MS = 5_000;

/** Close codes of the private range (RFC 6455 section 7.4.2); the reason says it in words. */
export const closeCodes = {
  badMessage: 4000,
  unknownNode: 4001,
  replaced: 4002,
  keyInvalid: 4003,
  refused: 4004,
  sayAgain: 4005,
} as const;
/** A close frame carries 125 bytes, two of them the code. */
const MAX_REASON_BYTES = 123;

/** What is not an answer to a call. */
export type SessionMessage = Exclude<AgentMessage, { type: 'result' | 'failure' | 'resync' }>;

/** How much was sent of whole views and of changes, over all connections. */
export type SentViews = Record<'view' | 'delta', { messages: number; bytes: number }>;
export const nothingSent = (): SentViews => ({
  view: { messages: 0, bytes: 0 },
  delta: { messages: 0, bytes: 0 },
});

interface PendingCall {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: DvrError) => void;
  readonly timer: NodeJS.Timeout;
}

export class AgentSession {
  /** Whose connection it is, once that is known. */
  node = '(not registered)';
  private readonly calls = new Map<number, PendingCall>();
  private nextCallId = 1;
  private isSending = false;
  private isClosed = false;
  private waitingView: NodeView | undefined;
  /** What the agent has, once all that was sent has come; nothing: it must have a whole view next. */
  private sentView: NodeView | undefined;
  private silentPings = 0;
  /** The message that is being handled, and those that came since. */
  private handling: Promise<void> = Promise.resolve();
  private waitingMessages = 0;
  private readonly pinger: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    onMessage: (message: SessionMessage) => Promise<void>,
    onClose: () => void,
    private readonly sent: SentViews = nothingSent(),
  ) {
    this.pinger = setInterval(() => this.ping(), PING_MS);
    socket.on('pong', () => {
      this.silentPings = 0;
    });
    socket.on('close', () => {
      this.stop();
      onClose();
    });
    socket.on('message', (data: Buffer) => {
      // What was on its way when the connection was refused or replaced no longer counts.
      if (this.isClosed) return;
      this.silentPings = 0;
      const message = parseAgentMessage(data);
      if (message === undefined)
        this.close(closeCodes.badMessage, 'the message is none of src/model/node-call.ts');
      else if (message.type === 'result' || message.type === 'failure') this.answer(message);
      else if (message.type === 'resync') this.resync();
      else this.handle(message, onMessage);
    });
  }

  get isOpen(): boolean {
    return !this.isClosed;
  }

  sendView(view: NodeView): void {
    this.waitingView = view;
    if (!this.isSending) this.sendWaiting();
  }

  /** As the first of a connection: nothing is taken for known. */
  sendWholeView(view: NodeView): void {
    this.sentView = undefined;
    this.sendView(view);
  }

  /** @throws DvrError DVR_NODE_UNREACHABLE, or what the agent answers with. */
  call(
    method: NodeCallMethod,
    params: Readonly<Record<string, unknown>>,
    deadlineMs: number,
  ): Promise<unknown> {
    if (this.calls.size >= MAX_CALLS)
      throw this.unreachable(`has ${MAX_CALLS} calls under way already`);
    const id = this.nextCallId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          this.settle(id, (call) =>
            call.reject(
              this.unreachable(`did not answer "${method}" within ${deadlineMs / 1000} s`),
            ),
          ),
        deadlineMs,
      );
      this.calls.set(id, { resolve, reject, timer });
      this.send({ type: 'call', id, method, params });
    });
  }

  close(code: number, reason: string): void {
    let text = reason;
    while (Buffer.byteLength(text) > MAX_REASON_BYTES) text = text.slice(0, -1);
    this.socket.close(code, text);
    this.stop();
  }

  /** One message after another: what an agent says after it has registered must not come before that. */
  private handle(
    message: SessionMessage,
    onMessage: (message: SessionMessage) => Promise<void>,
  ): void {
    if (this.waitingMessages >= MAX_WAITING_MESSAGES)
      return this.close(closeCodes.refused, `DVR_BUSY: ${MAX_WAITING_MESSAGES} messages wait already`);
    this.waitingMessages++;
    this.handling = this.handling.then(async () => {
      if (this.isOpen) await onMessage(message);
      this.waitingMessages--;
    });
  }

  private answer(message: Extract<AgentMessage, { type: 'result' | 'failure' }>): void {
    this.settle(message.id, (call) => {
      if (message.type === 'result') call.resolve(message.result);
      else
        call.reject(
          new DvrError(knownCode(message.code), `node ${this.node}: ${message.message}`, ''),
        );
    });
  }

  private settle(id: number, how: (call: PendingCall) => void): void {
    const call = this.calls.get(id);
    if (call === undefined) return; // It came after its deadline.
    this.calls.delete(id);
    clearTimeout(call.timer);
    how(call);
  }

  private sendWaiting(): void {
    const view = this.waitingView;
    if (view === undefined) return;
    this.waitingView = undefined;
    if (view === this.sentView) return;
    const { kind, text } = messageOf(this.sentView, view);
    this.sentView = view;
    this.sent[kind].messages++;
    // Names and addresses are ASCII: characters are bytes.
    this.sent[kind].bytes += text.length;
    this.isSending = true;
    this.sendText(text, () => {
      this.isSending = false;
      this.sendWaiting();
    });
  }

  /** What was sent did not fit what the agent has. */
  private resync(): void {
    const view = this.waitingView ?? this.sentView;
    if (view !== undefined) this.sendWholeView(view);
  }

  private send(message: ControllerMessage): void {
    this.sendText(JSON.stringify(message), () => {});
  }

  private sendText(message: string, sent: () => void): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.socket.send(message, (error) => {
      if (error === undefined || error === null) sent();
    });
  }

  private ping(): void {
    if (this.silentPings >= MAX_SILENT_PINGS) {
      this.socket.terminate();
      return;
    }
    this.silentPings++;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  private stop(): void {
    this.isClosed = true;
    clearInterval(this.pinger);
    for (const id of [...this.calls.keys()])
      this.settle(id, (call) => call.reject(this.unreachable('has closed its connection')));
  }

  private unreachable(why: string): DvrError {
    return new DvrError(
      'DVR_NODE_UNREACHABLE',
      `node ${this.node} ${why}`,
      `see the log of dvr agent on ${this.node}`,
    );
  }
}

/** What differs, or the whole where there is nothing to differ from, or more differs than a message carries. */
function messageOf(
  before: NodeView | undefined,
  view: NodeView,
): { readonly kind: keyof SentViews; readonly text: string } {
  if (before !== undefined) {
    const text = JSON.stringify({ type: 'delta', delta: diffView(before, view) } satisfies ControllerMessage);
    if (text.length <= MAX_VIEW_BYTES) return { kind: 'delta', text };
  }
  return { kind: 'view', text: `{"type":"view","view":${viewText(view)}}` };
}

function knownCode(code: string): ErrorCode {
  return Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : 'DVR_DATAPLANE_REFUSED';
}
