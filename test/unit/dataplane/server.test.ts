import { mkdtempSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataplane, DataplaneEvent, GateHold } from '../../../src/dataplane/interface.js';
import { connectDataplane, type DataplaneProxy } from '../../../src/dataplane/proxy.js';
import { serveDataplane, type DataplaneServer } from '../../../src/dataplane/server.js';

const path = (): string => join(mkdtempSync(join(tmpdir(), 'dvr-dataplane-')), 'cn1', 'dataplane.sock');

class FakeDataplane implements Dataplane {
  readonly batches: Buffer[] = [];
  readonly markers: (string | null)[] = [];
  gates: readonly GateHold[] = [];
  closed = false;
  emit: (event: DataplaneEvent) => void = () => {};
  hello = async () => ({ pid: 1, version: '0', bootId: 'boot', generation: 3, devices: [] });
  openDevice = async (): Promise<never> => { throw new Error('EADDRNOTAVAIL: bind (vtep)'); };
  adoptDevices = async () => [];
  reattachDevice = async () => undefined;
  closeDevice = async (): Promise<void> => {};
  apply = async (batch: Uint8Array) => { this.batches.push(Buffer.from(batch)); return { operations: 1, generation: 4 }; };
  counters = async () => ({ stages: {}, edges: {}, drops: {}, ports: {}, engine: {} });
  tables = async () => [{ table: 'switch', rows: [{ mac: 'x'.repeat(300_000) }] }];
  setTrace = async (marker: Uint8Array | null): Promise<void> => { this.markers.push(marker && Buffer.from(marker).toString('hex')); };
  takeTrace = async () => ({ records: [], lost: 0 });
  inject = async (): Promise<void> => {};
  holdGates = async (gates: readonly GateHold[]): Promise<void> => { this.gates = gates; };
  openGates = (): readonly GateHold[] => this.gates;
  onEvent = (listener: (event: DataplaneEvent) => void): void => { this.emit = listener; };
  close = async (): Promise<void> => { this.closed = true; };
}

let socket: string;
let dataplane: FakeDataplane;
let server: DataplaneServer;
let proxy: DataplaneProxy;
let left: boolean;

beforeEach(async () => {
  [socket, dataplane, left] = [path(), new FakeDataplane(), false];
  server = await serveDataplane(dataplane, socket, () => { left = true; });
  proxy = await connectDataplane(socket);
});
afterEach(async () => { await proxy.close(); await server.close(); });

describe('a dataplane behind its socket', () => {
  it('answers as the one in process does', async () => {
    expect(await proxy.hello()).toMatchObject({ bootId: 'boot', generation: 3 });
    expect(await proxy.apply(Buffer.from('batch'))).toEqual({ operations: 1, generation: 4 });
    expect(dataplane.batches[0]?.toString()).toBe('batch');
  });

  it('is for root alone', () => { expect(statSync(socket).mode & 0o777).toBe(0o600); });

  it('carries answers larger than a socket buffer', async () => {
    const [first] = await proxy.tables();
    expect(first?.rows[0]?.['mac']).toHaveLength(300_000);
  });

  it('tells a marker from none', async () => {
    await proxy.setTrace(Buffer.alloc(16, 1));
    await proxy.setTrace(null);
    expect(dataplane.markers).toEqual(['01'.repeat(16), null]);
  });

  it('hands on until when gates are held open', async () => {
    const gates = [{ name: 'qg/r1', untilMs: 4711.25 }, { name: 'sg/r1/red', untilMs: 0 }];
    await proxy.holdGates(gates);
    expect(dataplane.gates).toEqual(gates);
  });

  it('says why the fast path refused', async () => {
    await expect(proxy.openDevice({ kind: 'vtep', name: 'vtep', portId: 1, vtepIp: '10.0.0.1' }))
      .rejects.toMatchObject({ code: 'DVR_DATAPLANE_REFUSED', message: 'EADDRNOTAVAIL: bind (vtep)' });
  });

  it('pushes events to every client', async () => {
    const other = await connectDataplane(socket);
    const seen: string[] = [];
    const both = Promise.all([proxy, other].map((one) => new Promise<void>((done) => {
      one.onEvent((event) => { seen.push(event.event); done(); });
    })));
    await other.hello();
    dataplane.emit({ event: 'device_gone', name: 'vm/vm1', portId: 16 });
    await both;
    expect(seen).toEqual(['device_gone', 'device_gone']);
    await other.close();
  });

  it('stops before it answers a handover, and leaves its name free', async () => {
    const gates = [{ name: 'qg/r1', untilMs: 12.5 }];
    await proxy.holdGates(gates);
    expect(await proxy.handover()).toEqual(gates);
    expect(dataplane.closed).toBe(true);
    await proxy.ended;
    expect(left).toBe(true);
    const next = await serveDataplane(new FakeDataplane(), socket, () => {});
    await next.close();
  });

  it('cuts off a client that announces more than the bounds, and serves the others', async () => {
    const rude = connect(socket);
    rude.write(Buffer.from('ffffffffffffffff', 'hex'));
    await new Promise((done) => rude.on('close', done));
    expect(await proxy.hello()).toMatchObject({ bootId: 'boot' });
  });
});

describe('a dataplane that does not answer', () => {
  it('is unreachable where nobody listens', async () => {
    await expect(connectDataplane('/nowhere/dataplane.sock')).rejects.toMatchObject({ code: 'DVR_DATAPLANE_UNREACHABLE' });
  });

  it('is unreachable after the deadline, for every request that waits', async () => {
    const silent = createServer();
    const name = join(mkdtempSync(join(tmpdir(), 'dvr-silent-')), 's');
    await new Promise<void>((done) => { silent.listen(name, done); });
    const waiting = await connectDataplane(name, 50);
    const results = await Promise.allSettled([waiting.hello(), waiting.tables()]);
    expect(results).toMatchObject([{ reason: { code: 'DVR_DATAPLANE_UNREACHABLE' } }, { reason: { code: 'DVR_DATAPLANE_UNREACHABLE' } }]);
    await expect(waiting.hello()).rejects.toMatchObject({ code: 'DVR_DATAPLANE_UNREACHABLE' });
    silent.close();
  });
});
