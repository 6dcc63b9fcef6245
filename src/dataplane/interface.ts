/**
 * The one interface between agents and the fast path. The addon implements it in process
 * (native.ts), a unix-socket proxy implements it across processes (proxy.ts, served by server.ts).
 *
 * Devices are file descriptors: TAPs and VTEP sockets. Rows are what the stages look up. Both outlive
 * an agent; the agent keeps a duplicate of every descriptor so that they outlive a dataplane too.
 */

/** What to open. `portId` is the port the device serves, below 4096 and unique on the node. */
export type DeviceSpec =
  | {
    readonly kind: 'tap'; readonly name: string; readonly portId: number; readonly mtuBytes: number; readonly mac?: string;
    /** Nothing passes it, in or out, but while its gate is held open (`holdGates`). */
    readonly gated?: boolean;
  }
  | { readonly kind: 'vtep'; readonly name: 'vtep'; readonly portId: 1; readonly vtepIp: string }
  /** A Linux device of the node's own namespace, left in place: a NIC to the provider's wire. */
  | { readonly kind: 'uplink'; readonly name: string; readonly portId: number; readonly device: string; readonly mtuBytes: number }
  /** The TAPs that tcpdump looks at: br-int (port 2), br-tun (port 3) and br-ex (port 4). */
  | { readonly kind: 'mirror'; readonly name: MirrorName; readonly portId: 2 | 3 | 4 };

export type MirrorName = 'br-int' | 'br-tun' | 'br-ex';

/**
 * What a device can do, each a rung of a ladder that goes on without it. TAPs: csum (checksums left to us), tso,
 * uso (super-frames). The VTEP: udp_segment (trains; of up to 128 packets with udp_segment_128), udp_gro.
 */
export const deviceFeatures = ['csum', 'tso', 'uso', 'udp_segment', 'udp_segment_128', 'udp_gro'] as const;
export type DeviceFeature = (typeof deviceFeatures)[number];

/** An open device. `fds` are its queues' descriptors, as numbers in the process `pid` of the hello. */
export interface DeviceInfo {
  readonly spec: DeviceSpec;
  readonly fds: readonly number[];
  /** Interface index at creation; 0 for the VTEP socket. */
  readonly ifindex: number;
  /** Inode of the network namespace that the descriptor keeps alive, because it was opened inside; 0: none. */
  readonly pinnedNetns?: number;
  /** What the device can do: found by trying, never from a version string. */
  readonly features: readonly DeviceFeature[];
}

/** Where a TAP was moved to by a dataplane and an agent that are both gone. */
export interface MovedTap { readonly netns: string; readonly ifname: string; readonly mac: string }

export interface DataplaneHello {
  readonly pid: number;
  readonly version: string;
  /** Identity of this dataplane process; another value means rows are gone. */
  readonly bootId: string;
  readonly generation: number;
  readonly devices: readonly DeviceInfo[];
}

/** Until when packets may pass a gated device. */
export interface GateHold {
  /** Of the device, which need not be open yet. */
  readonly name: string;
  /** CLOCK_MONOTONIC in milliseconds (`process.hrtime`), at most 60 s from now; 0 or the past shuts it now. */
  readonly untilMs: number;
}

export interface PortCounters {
  readonly rxPackets: number; readonly rxBytes: number;
  readonly txPackets: number; readonly txBytes: number;
}

export interface Counters {
  /** Packets that entered a stage, by stage name. */
  readonly stages: Readonly<Record<string, number>>;
  /** Packets that went from one stage to the next, keyed "from>to" ("to" may be output or drop). */
  readonly edges: Readonly<Record<string, number>>;
  readonly drops: Readonly<Record<string, number>>;
  readonly ports: Readonly<Record<number, PortCounters>>;
  /** What each optimisation has done, named in pipeline.ts: it is on while its number grows. */
  readonly engine: Readonly<Record<string, number>>;
}

/** One row of one table, fields as text or number, in the shapes of pipeline.ts. */
export interface TableDump {
  readonly table: string;
  readonly rows: readonly Readonly<Record<string, string | number | boolean>>[];
}

/** One stage passed by a marked packet. Header bytes are the first 128 of the frame, base64. */
export interface TraceRecord {
  /** Nanoseconds of CLOCK_MONOTONIC: comparable within one machine only. */
  readonly timeNs: number;
  /** Counts packets seen while tracing, so that records of one passage stay together. */
  readonly passage: number;
  readonly stage: string;
  readonly next: string;
  readonly dropReason?: string;
  readonly inPort: number;
  readonly outPort: number;
  readonly localVlan: { readonly before: number; readonly after: number };
  readonly vni: number;
  /** The far VTEP: who sent it (from the tunnel) or where it goes (to the tunnel). */
  readonly vtep: string;
  readonly before: string;
  readonly after: string;
  readonly frameBytes: number;
  readonly gsoBytes: number;
  /** Copies asked for by the stage (flooding). */
  readonly copyToPorts: readonly number[];
  readonly copyToVteps: readonly string[];
}

export interface TraceDump {
  readonly records: readonly TraceRecord[];
  /** Records that did not fit the ring (1024 a worker) and are lost. */
  readonly lost: number;
}

/** Something the fast path saw that JS must decide on. */
export type DataplaneEvent =
  | { readonly event: 'device_gone'; readonly name: string; readonly portId: number }
  | { readonly event: 'learned'; readonly localVlan: number; readonly mac: string; readonly vtep: string }
  /** A VM says that an address is its own, which is no port's alone; from one port at most 100 a second. */
  | { readonly event: 'announced'; readonly portId: number; readonly ip: string; readonly mac: string };

export interface Dataplane {
  hello(): Promise<DataplaneHello>;
  /** Opens the device, or answers with the open one of the same name if its spec is equal. */
  openDevice(spec: DeviceSpec): Promise<DeviceInfo>;
  /** Takes over descriptors that another process holds (pidfd_getfd): nothing is opened anew. */
  adoptDevices(pid: number, devices: readonly DeviceInfo[]): Promise<readonly DeviceInfo[]>;
  /**
   * Attaches to the persistent TAP that stands where it was moved to; undefined: none with that name and MAC
   * is there. The last resort, when no process kept its descriptor: the new one keeps the namespace alive.
   */
  reattachDevice(spec: DeviceSpec, place: MovedTap): Promise<DeviceInfo | undefined>;
  /** Closes the device; closing one that is not open is no error. */
  closeDevice(name: string): Promise<void>;
  /** Applies one batch (native/tables/batch.hpp) whole or not at all. */
  apply(batch: Uint8Array): Promise<{ readonly operations: number; readonly generation: number }>;
  counters(): Promise<Counters>;
  tables(): Promise<readonly TableDump[]>;
  /** Records every stage passed by packets that contain `marker` (16 bytes) in their first 512 bytes; null stops. */
  setTrace(marker: Uint8Array | null): Promise<void>;
  /** Takes the records collected so far. */
  takeTrace(): Promise<TraceDump>;
  /** Puts a frame in as if the port's device had sent it. */
  inject(portId: number, frame: Uint8Array): Promise<void>;
  /**
   * Replaces the deadlines of these gates (4096 at most are open at a time), all or none; the others stay as they are.
   * Each shuts by itself when its deadline has come, whoever has died by then. Those that are shut or shortened here
   * let nothing more pass when this has answered; refused with EAGAIN, they are shut, but a worker has had no CPU
   * since before, so ask again. A gate is forgotten with the dataplane process, but goes on to one that takes its place.
   */
  holdGates(gates: readonly GateHold[]): Promise<void>;
  /** Calls back for every event until closed; the caller may take as long as it likes. */
  onEvent(listener: (event: DataplaneEvent) => void): void;
  close(): Promise<void>;
}
