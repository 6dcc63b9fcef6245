/**
 * The addon as a Dataplane of this process. Comes before server.ts, which gives it to other processes.
 * Nothing is decided here: calls become promises, and events wait in the addon until drainEvents().
 */
import { randomUUID } from 'node:crypto';
import { DvrError } from '../model/errors.js';
import { monotonicMs } from '../model/monotonic-clock.js';
import type { Dataplane, DataplaneEvent, GateHold } from './interface.js';
import type { NativeDataplane } from './native.js';

export interface LocalDataplane extends Dataplane {
  /** The gates that are open, with their deadlines: what the next dataplane goes on with. */
  openGates(): readonly GateHold[];
  /** Gives listeners what the workers have seen since the last call. */
  drainEvents(): void;
}

export function localDataplane(native: NativeDataplane, version: string): LocalDataplane {
  const bootId = randomUUID();
  const listeners: ((event: DataplaneEvent) => void)[] = [];
  const held = new Map<string, number>();
  let isClosed = false;
  return {
    hello: async () => ({
      pid: process.pid, version, bootId, generation: native.generation(), devices: native.devices(),
    }),
    openDevice: async (spec) => native.openDevice(spec),
    adoptDevices: async (pid, devices) => native.adoptDevices(pid, devices),
    reattachDevice: async (spec, place) => native.reattachDevice(spec, place),
    closeDevice: async (name) => { native.closeDevice(name); },
    apply: async (batch) => native.apply(batch),
    counters: async () => native.counters(),
    tables: async () => native.tables(),
    setTrace: async (marker) => { native.setTrace(marker); },
    takeTrace: async () => native.takeTrace(),
    inject: async (portId, frame) => { native.inject(portId, frame); },
    holdGates: async (gates) => {
      // Whoever shuts a gate now must not believe it shut: the next dataplane may have been told that it is open.
      if (isClosed) throw new DvrError('DVR_DATAPLANE_UNREACHABLE', 'the dataplane leaves', 'ask the one that takes its place');
      native.holdGates(gates);
      for (const { name, untilMs } of gates) held.set(name, untilMs);
      const now = monotonicMs();
      for (const [name, untilMs] of held) if (untilMs <= now) held.delete(name);
    },
    openGates: () => [...held].filter(([, untilMs]) => untilMs > monotonicMs()).map(([name, untilMs]) => ({ name, untilMs })),
    onEvent: (listener) => { listeners.push(listener); },
    close: async () => {
      isClosed = true;
      native.close();
    },
    drainEvents: () => {
      for (const event of native.takeEvents()) for (const listener of listeners) listener(event);
    },
  };
}
