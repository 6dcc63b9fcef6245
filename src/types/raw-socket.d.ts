/**
 * What src/agents/probe.ts uses of the npm package raw-socket 1.8, which has no types of its own.
 * The socket is made in the constructor, in the calling thread's network namespace.
 */
declare module 'raw-socket' {
  type Sent = (error: Error | null, bytes: number) => void;
  export interface RawSocketOptions {
    readonly protocol: number;
    readonly addressFamily: number;
    readonly bufferSize?: number;
  }
  export interface RawSocket {
    on(event: 'message', listener: (buffer: Buffer, source: string) => void): this;
    on(event: 'error', listener: (error: Error) => void): this;
    on(event: 'close', listener: () => void): this;
    send(buffer: Buffer, offset: number, length: number, address: string, done: Sent): this;
    setOption(level: number, option: number, value: number): this;
    close(): this;
  }
  export interface RawSocketModule {
    createSocket(options: RawSocketOptions): RawSocket;
    createChecksum(buffer: Buffer): number;
    readonly AddressFamily: { readonly IPv4: number; readonly IPv6: number };
    readonly Protocol: { readonly ICMP: number; readonly ICMPv6: number };
    readonly SocketLevel: { readonly IPPROTO_IP: number; readonly IPPROTO_IPV6: number };
    readonly SocketOption: { readonly IP_TTL: number; readonly IPV6_UNICAST_HOPS: number };
  }
  const raw: RawSocketModule;
  export default raw;
}
