/**
 * The only loader of the addon: types of what it exports, and where it is found.
 * Everything is synchronous and quick; packets move on the addon's own threads.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type {
  Counters, DataplaneEvent, DeviceFeature, DeviceInfo, DeviceSpec, GateHold, MovedTap, TableDump, TraceDump,
} from './interface.js';

export interface FieldDescription { readonly name: string; readonly type: 'mac' | 'ip' | 'vni' | 'local_vlan' | 'port' | 'port_kind' | 'router' | 'u16' | 'bool' }

/** What `describe()` answers: the pipeline as data; src/dataplane/pipeline.ts is generated from it. */
export interface PipelineDescription {
  readonly stages: readonly {
    readonly id: number; readonly name: string; readonly bridge: string; readonly next: readonly string[];
    readonly tables: readonly string[]; readonly seedSteps: readonly string[]; readonly does: string;
  }[];
  readonly tables: readonly {
    readonly id: number; readonly name: string; readonly limit: number;
    readonly key: readonly FieldDescription[]; readonly value: readonly FieldDescription[];
  }[];
  readonly dropReasons: readonly { readonly name: string; readonly sentence: string; readonly hint: string }[];
  readonly engineCounters: readonly { readonly name: string; readonly sentence: string }[];
}

/** A running fast path. All methods throw TypeError/RangeError naming the argument, or Error with `code` and `syscall`. */
export interface NativeDataplane {
  openDevice(spec: DeviceSpec): DeviceInfo;
  /**
   * Takes over descriptors of another process: all are in place before the first is read from, so that
   * packets which waited in one find the one they leave by open. Those that cannot be are left out.
   */
  adoptDevices(pid: number, devices: readonly DeviceInfo[]): DeviceInfo[];
  reattachDevice(spec: DeviceSpec, place: MovedTap): DeviceInfo | undefined;
  closeDevice(name: string): void;
  devices(): DeviceInfo[];
  apply(batch: Uint8Array): { operations: number; generation: number };
  generation(): number;
  counters(): Counters;
  tables(): TableDump[];
  setTrace(marker: Uint8Array | null): void;
  takeTrace(): TraceDump;
  inject(portId: number, frame: Uint8Array): void;
  /** Waits up to 100 ms for workers in the middle of packets where a gate is shut or shortened; EAGAIN: longer. */
  holdGates(gates: readonly GateHold[]): void;
  /** Drains what the workers have seen; bounded (4096 waiting events, the oldest kept, a count of the lost). */
  takeEvents(): DataplaneEvent[];
  /** Which mirrors are copied to: set from what a NamespaceWatch found. */
  setMirrors(brInt: boolean, brTun: boolean, brEx: boolean): void;
  /** Stops and joins the workers, closes every descriptor. Safe to call twice. */
  close(): void;
}

/** A packet socket that receives. */
export interface PacketSocket {
  /** 0: on every interface. */
  readonly ifindex: number;
  /** What /proc/PID/fd calls it. */
  readonly inode: number;
}

/** What in a namespace may touch a packet beside routes of the kernel's and ours, and neighbours. */
export interface NamespaceFacts {
  readonly links: readonly { readonly ifindex: number; readonly name: string; readonly promiscuous: boolean; readonly xdp: boolean }[];
  /** Handle 0: the kernel's own, which every device is born with. */
  readonly qdiscs: readonly { readonly ifindex: number; readonly kind: string; readonly handle: number }[];
  /** `protocol` is who made it (RTPROT_*). */
  readonly rules: readonly { readonly family: 4 | 6; readonly priority: number; readonly protocol: number }[];
  readonly routes: readonly { readonly destination: string; readonly protocol: number }[];
  /** `family` is NFPROTO_*. */
  readonly nftTables: readonly { readonly family: number; readonly name: string }[];
  /** Tables of iptables of the old kind that are in use. */
  readonly xtables: readonly string[];
}

export interface NamespaceWatch {
  /** Asks the kernel: 4 µs. */
  packetSockets(): PacketSocket[];
  /** Asks the kernel for everything: some 100 µs. */
  facts(): NamespaceFacts;
  /** Lets go of the namespace. Safe to call twice; the other methods throw afterwards. */
  close(): void;
}

/** A netlink socket of netfilter's; what its messages say is for who has it. Methods throw once it is closed. */
export interface NetfilterSocket {
  /** Gives the kernel the messages, which does what they ask before this returns. */
  send(messages: Uint8Array): void;
  /**
   * The messages that came next, some tens of kilobytes of them; nothing: no more have come.
   * @throws an Error with code ENOBUFS, once, where more came than the socket holds: some are lost.
   */
  take(): Uint8Array | undefined;
  /** Safe to call twice. */
  close(): void;
}

export interface NativeAddon {
  describe(): PipelineDescription;
  Dataplane: new (options: {
    readonly workers: number;
    /** How long a worker looks on for packets after the last one, before it sleeps; 0: not at all. */
    readonly spinUs?: number;
    /** Features that devices shall do without, as if the kernel had none. */
    readonly without?: readonly DeviceFeature[];
  }, /** Called within 50 ms when there are events to take. */ heard?: () => void) => NativeDataplane;
  /**
   * A pipeline with memory ports and no threads, for walks and tests: the same runner as a worker's.
   * `run` passes one frame through and answers what came out, in order.
   */
  MemoryDataplane: new () => {
    apply(batch: Uint8Array): { operations: number; generation: number };
    /** inPort 1 = tunnel: `frame` then starts with the VXLAN header and `vtep` is who sent it. */
    run(input: { inPort: number; frame: Uint8Array; vtep?: string; outerTos?: number }): {
      verdict: 'output' | 'drop'; dropReason?: string;
      out: { port: number; vtep?: string; frame: Uint8Array }[];
      records: TraceDump['records'];
    };
  };
  /** Runs `body` with this thread inside the network namespace at `path`, and always comes back. */
  withNetns<T>(path: string, body: () => T): T;
  /**
   * Watches the namespace at `path`, which it keeps alive until it is closed. `heard` is called when
   * `facts` may answer otherwise than before or an address or a neighbour has changed, at once, and when
   * `packetSockets` does, at most `askMs` later (with thousands of watches: so seldom that a fiftieth of
   * the time is spent on asking). Routes of `ownRouteProtocol` are no facts; that one goes is heard.
   */
  NamespaceWatch: new (path: string, ownRouteProtocol: number, heard: () => void, askMs: number) => NamespaceWatch;
  /**
   * A socket in the namespace at `path`, which it keeps alive until it is closed, that hears the multicast
   * groups. `heard` is called when there is something to take, and not again before `take` has given nothing.
   */
  NetfilterSocket: new (path: string, groups: readonly number[], heard: () => void) => NetfilterSocket;
  /** Sends one Ethernet frame out of a device of the namespace that this thread is in. */
  sendFrame(device: string, frame: Uint8Array): void;
  /** Duplicates a descriptor of another process into this one (pidfd_getfd(2), Linux 5.6). */
  duplicateFd(pid: number, fd: number): number;
  closeFd(fd: number): void;
  /** Sets the name `ps` shows (PR_SET_NAME and argv). */
  monotonicNs(): number;
}

const require = createRequire(import.meta.url);
const kPath = process.env['DVR_ADDON'] ?? fileURLToPath(new URL('../../build/Release/dvr_native.node', import.meta.url));

let loaded: NativeAddon | undefined;

/** Loads the addon on first use, so that commands which need none start without it. */
export function addon(): NativeAddon {
  loaded ??= require(kPath) as NativeAddon;
  return loaded;
}
