/**
 * The addon as a Dataplane of this process. Comes before server.ts, which gives it to other processes.
 * Nothing is decided here: calls become promises, and events wait in the addon until drainEvents().
 */
import { randomUUID } from 'node:crypto';
import type { Dataplane, DataplaneEvent } from './interface.js';
import type { NativeDataplane } from './native.js';

export interface LocalDataplane extends Dataplane {
  /** Gives listeners what the workers have seen since the last call. */
  drainEvents(): void;
}

export function localDataplane(native: NativeDataplane, version: string): LocalDataplane {
  const bootId = randomUUID();
  const listeners: ((event: DataplaneEvent) => void)[] = [];
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
    holdGates: async (gates) => { native.holdGates(gates); },
    onEvent: (listener) => { listeners.push(listener); },
    close: async () => { native.close(); },
    drainEvents: () => {
      for (const event of native.takeEvents()) for (const listener of listeners) listener(event);
    },
  };
}
