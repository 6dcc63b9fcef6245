/**
 * The l2 agent: keeps the dataplane's devices open and its rows as the programs say, and plugs ports in.
 * A thin shell: what to open and which rows follow are decided by desired.ts and the programs.
 *
 * It holds a duplicate of every device's descriptor. They are what makes the dataplane replaceable: a new
 * one gets them back, and packets wait in the TAPs' rings meanwhile.
 */
import type { Dataplane, DeviceInfo, DeviceSpec, MovedTap } from '../../dataplane/interface.js';
import {
  admitRows, diffRows, encodeBatch, replaceAll, rowsFromDump, type PackedRows, type Row, type RowFault,
} from '../../dataplane/rows.js';
import type { Hands } from '../../namespaces/scripts.js';
import type { Plug } from '../desired.js';
import { vmDeviceName } from '../local-ids.js';

/** Duplicates descriptors across processes; the addon does it, tests pretend. */
export interface Descriptors {
  duplicateFd(pid: number, fd: number): number;
  closeFd(fd: number): void;
}

/** A frame to be put in as if the device with that number had sent it. */
export interface Injected { readonly device: string; readonly portId: number; readonly frame: Uint8Array }

export class L2Agent {
  /** Open devices by name; `fds` are our duplicates' numbers in this process. */
  readonly #held = new Map<string, DeviceInfo>();
  #dataplane: Dataplane | undefined;
  #pid = 0;
  #applied: PackedRows = new Map();

  constructor(private readonly hands: Hands, private readonly descriptors: Descriptors) {}

  get devices(): readonly DeviceSpec[] { return [...this.#held.values()].map(({ spec }) => spec); }

  /** Devices whose descriptor keeps a namespace alive, with that namespace's inode. */
  get pinning(): readonly (readonly [string, number])[] {
    return [...this.#held]
      .map(([name, { pinnedNetns = 0 }]) => [name, pinnedNetns] as const)
      .filter(([, inode]) => inode !== 0);
  }

  has(name: string): boolean { return this.#held.has(name); }

  /**
   * Takes up work with a dataplane. One that was there before us has rows and devices: they are read. A new
   * one gets our rows first and our descriptors after, so that no packet meets an empty table.
   */
  async connect(dataplane: Dataplane, rowsNow: () => Iterable<Row>, generation: number): Promise<void> {
    const hello = await dataplane.hello();
    const known = hello.devices.filter(({ spec }) => !this.has(spec.name));
    for (const device of known) this.#hold(hello.pid, device);
    const open = new Set(hello.devices.map(({ spec }) => spec.name));
    const missing = [...this.#held.values()].filter(({ spec }) => !open.has(spec.name));
    // Read even from one we have met before: an answer may have been lost with the connection.
    if (missing.length === 0) this.#applied = rowsFromDump(await dataplane.tables());
    else await this.#handBack(dataplane, missing, admitRows(rowsNow()).rows, generation);
    for (const { spec } of known) await this.#silence(spec);
    this.#pid = hello.pid;
    this.#dataplane = dataplane;
  }

  async #handBack(
    dataplane: Dataplane, missing: readonly DeviceInfo[], rows: PackedRows, generation: number,
  ): Promise<void> {
    await dataplane.apply(encodeBatch(generation, replaceAll(rows)));
    this.#applied = rows;
    const adopted = new Set(
      (await dataplane.adoptDevices(process.pid, missing)).map(({ spec }) => spec.name),
    );
    // What could not be taken over is gone; the next reconcile opens it anew.
    for (const { spec } of missing) if (!adopted.has(spec.name)) this.#release(spec.name);
  }

  /** An agent that died between opening a mirror and setting it up has left this to us. */
  async #silence(spec: DeviceSpec): Promise<void> {
    if (spec.kind !== 'mirror') return;
    // Not held, it is "opened" again by the next reconcile, which reports what is wrong.
    await this.hands.mirrorUp(spec.name).catch(() => { this.#release(spec.name); });
  }

  disconnect(): void { this.#dataplane = undefined; }

  /** @param place where the device stands if an agent and a dataplane that are both gone had moved it there. */
  async open(spec: DeviceSpec, place?: MovedTap): Promise<void> {
    const found = place === undefined ? undefined : await this.#connected().reattachDevice(spec, place);
    const device = found ?? await this.#connected().openDevice(spec);
    this.#hold(this.#pid, device);
    if (spec.kind === 'mirror') await this.hands.mirrorUp(spec.name);
  }

  /** Closes the device everywhere: in the dataplane, and our duplicate that would keep it alive. */
  async close(name: string): Promise<void> {
    await this.#connected().closeDevice(name);
    this.#release(name);
  }

  /** Makes these the rows of the dataplane; answers with those that could not be. */
  async apply(rows: Iterable<Row>, generation: number): Promise<readonly RowFault[]> {
    const admitted = admitRows(rows);
    const operations = diffRows(this.#applied, admitted.rows);
    await this.#connected().apply(encodeBatch(generation, operations));
    this.#applied = admitted.rows;
    return admitted.faults;
  }

  /** Puts a frame in as if the device had sent it; where it is not open nothing is. */
  async inject({ device, portId, frame }: Injected): Promise<void> {
    if (this.has(device)) await this.#connected().inject(portId, frame);
  }

  async plug({ wish, netnsInode }: Plug): Promise<void> { await this.hands.attach(wish, netnsInode); }

  async unplug({ port, wish }: Plug): Promise<void> {
    if (this.has(vmDeviceName(port))) await this.close(vmDeviceName(port));
    await this.hands.detach(wish, wish.mac);
  }

  /** Closes our duplicates; the dataplane's own descriptors stay open. */
  release(): void { for (const name of [...this.#held.keys()]) this.#release(name); }

  #hold(pid: number, device: DeviceInfo): void {
    if (this.#held.has(device.spec.name)) return;
    const fds: number[] = [];
    // Held from the first on: where the dataplane dies between two, the first is closed with the device.
    this.#held.set(device.spec.name, { ...device, fds });
    for (const fd of device.fds) fds.push(this.descriptors.duplicateFd(pid, fd));
  }

  #release(name: string): void {
    const device = this.#held.get(name);
    if (device === undefined) return;
    this.#held.delete(name);
    for (const fd of device.fds) this.descriptors.closeFd(fd);
  }

  #connected(): Dataplane {
    if (this.#dataplane === undefined) throw new Error('the l2 agent has no dataplane yet');
    return this.#dataplane;
  }
}
