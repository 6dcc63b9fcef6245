/** What we use of npm pcap-parser 0.2.1, which ships no types. Only src/trace/pcap.ts imports it. */
declare module 'pcap-parser' {
  import type { EventEmitter } from 'node:events';
  import type { Readable } from 'node:stream';

  export interface PcapPacket {
    readonly header: {
      readonly timestampSeconds: number;
      readonly timestampMicroseconds: number;
      readonly capturedLength: number;
      readonly originalLength: number;
    };
    readonly data: Buffer;
  }

  /** Emits `packet` (PcapPacket), `end` and `error`; an `error` nobody listens to is thrown. */
  export type Parser = EventEmitter;

  export function parse(input: string | Readable): Parser;
}
