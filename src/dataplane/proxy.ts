/**
 * A Dataplane in another process, reached through its unix socket: the agent's end of server.ts.
 *
 * Every request has a deadline; where it passes, or the socket ends, the request fails with
 * DVR_DATAPLANE_UNREACHABLE and the connection is over: connect anew and read what is there.
 */
import { connect, type Socket } from 'node:net';
import { DvrError, errorCodes, type ErrorCode } from '../model/errors.js';
import { frameMessage, kAnswerLimits, readMessages } from './framing.js';
import type { Dataplane, DataplaneEvent, DeviceInfo, GateHold } from './interface.js';

/** A request takes microseconds to milliseconds; a dump of full tables about two seconds. */
const kDeadlineMs = 5000;
/** Requests without an answer yet; the agent asks one after the other. */
const kMaxPending = 1024;

export interface DataplaneProxy extends Dataplane {
  /** Settles when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Asks the dataplane to stop its workers, close everything and leave; answers when it has: with the gates left open. */
  handover(): Promise<readonly GateHold[]>;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}
interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  readonly event?: DataplaneEvent;
}

/** @throws DVR_DATAPLANE_UNREACHABLE if nobody listens at `path`. */
export async function connectDataplane(path: string, deadlineMs = kDeadlineMs): Promise<DataplaneProxy> {
  const socket = await open(path);
  return proxyOver(socket, path, deadlineMs);
}

function open(path: string): Promise<Socket> {
  return new Promise((done, failed) => {
    const socket = connect(path);
    socket.once('connect', () => { socket.removeAllListeners('error'); done(socket); });
    socket.once('error', (cause) => { failed(unreachable(`no dataplane answers at ${path}`, cause)); });
  });
}

function proxyOver(socket: Socket, path: string, deadlineMs: number): DataplaneProxy {
  const pending = new Map<number, Pending>();
  const listeners: ((event: DataplaneEvent) => void)[] = [];
  let lastId = 0;
  let why = `the dataplane at ${path} has gone`;

  const settle = (id: number, then: (waiting: Pending) => void): void => {
    const waiting = pending.get(id);
    if (waiting === undefined) return;
    pending.delete(id);
    clearTimeout(waiting.timer);
    then(waiting);
  };
  const giveUp = (reason: string): void => { why = reason; socket.destroy(); };
  const ended = new Promise<void>((done) => {
    socket.on('close', () => {
      for (const id of [...pending.keys()]) settle(id, ({ reject }) => { reject(unreachable(why)); });
      done();
    });
  });
  socket.on('error', (error) => { why = `the connection to ${path} broke: ${error.message}`; });
  readMessages(socket, kAnswerLimits, ({ header }) => {
    const answer = header as Answer;
    if (answer.event !== undefined) for (const listener of listeners) listener(answer.event);
    else if (answer.id !== undefined) settle(answer.id, ({ resolve, reject }) => {
      if (answer.error === undefined) resolve(answer.result);
      else reject(refusal(answer.error));
    });
  }, (reason) => { why = `the dataplane at ${path} sent no message of ours: ${reason}`; });

  const ask = <Result>(method: string, params: object = {}, binary?: Uint8Array): Promise<Result> => {
    if (socket.destroyed) return Promise.reject(unreachable(why));
    if (pending.size >= kMaxPending) return Promise.reject(
      unreachable(`${String(kMaxPending)} requests wait already`),
    );
    const id = ++lastId;
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(() => {
        giveUp(`the dataplane at ${path} did not answer "${method}" in ${String(deadlineMs)} ms`);
      }, deadlineMs);
      pending.set(id, { resolve: (result) => { resolve(result as Result); }, reject, timer });
      socket.write(frameMessage({ ...params, id, method }, binary));
    });
  };

  return {
    ended,
    hello: () => ask('hello'),
    openDevice: (spec) => ask('openDevice', { spec }),
    adoptDevices: (pid, devices) => ask('adoptDevices', { pid, devices }),
    reattachDevice: async (spec, place) =>
      (await ask<{ device?: DeviceInfo }>('reattachDevice', { spec, place })).device,
    closeDevice: async (name) => { await ask('closeDevice', { name }); },
    apply: (batch) => ask('apply', {}, batch),
    counters: () => ask('counters'),
    tables: () => ask('tables'),
    setTrace: async (marker) => { await ask('setTrace', { marker: marker !== null }, marker ?? undefined); },
    takeTrace: () => ask('takeTrace'),
    inject: async (portId, frame) => { await ask('inject', { portId }, frame); },
    holdGates: async (gates) => { await ask('holdGates', { gates }); },
    onEvent: (listener) => { listeners.push(listener); },
    handover: async () => (await ask<{ readonly gates?: readonly GateHold[] }>('handover')).gates ?? [],
    close: async () => { socket.destroy(); await ended; },
  };
}

function refusal(error: { readonly code: string; readonly message: string }): DvrError {
  const known = Object.hasOwn(errorCodes, error.code) ? (error.code as ErrorCode) : 'DVR_DATAPLANE_REFUSED';
  return new DvrError(known, error.message, 'see the log of `dvr dataplane`');
}

function unreachable(message: string, cause?: unknown): DvrError {
  return new DvrError(
    'DVR_DATAPLANE_UNREACHABLE', message, 'is `dvr dataplane` running on the node?', { cause },
  );
}
