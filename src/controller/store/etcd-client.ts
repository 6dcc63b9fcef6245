/**
 * The calls of etcd, each with a deadline. What may be done twice is tried until its time is over,
 * by one member after another; what may not is tried once, and who calls finds out what became of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
  noop,
} from 'cockatiel';
import {
  Etcd3,
  isRecoverableError,
  type ICompare,
  type IRequestOp,
  type ITxnRequest,
  type ITxnResponse,
} from 'etcd3';
import type { EtcdAccess } from './etcd-access.js';
import { storeUnreachable, type Change } from './store.js';

/** A write of a healthy etcd takes milliseconds, an election of a new leader a second or two. */
const CALL_MS = 3_000;
const PATIENCE_MS = 5_000;
const AGAIN_MS = 100;
/** A member that does not answer is left out for a while, so that not every call waits for it. */
const FAILURES_TO_LEAVE_OUT = 3;
const LEFT_OUT_MS = 1_000;
/** etcd takes no more than one question for life in 5 s. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 3_000 } as const;

type WatchStream = Awaited<ReturnType<Etcd3['watchClient']['watch']>>;

export class EtcdClient {
  readonly where: string;
  private readonly etcd: Etcd3;
  private lastFault: unknown;

  constructor({ urls, tls }: EtcdAccess) {
    this.where = `etcd at ${urls.join(', ')}`;
    this.etcd = new Etcd3({
      hosts: [...urls],
      ...(tls === undefined
        ? {}
        : { credentials: { rootCertificate: tls.ca, privateKey: tls.key, certChain: tls.cert } }),
      defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + CALL_MS }),
      grpcOptions: { ...KEEPALIVE, 'grpc.max_receive_message_length': -1 },
      faultHandling: {
        // Its own way is to do a call again, also where it may have been done.
        global: noop,
        host: () =>
          circuitBreaker(handleWhen(isRecoverableError), {
            halfOpenAfter: LEFT_OUT_MS,
            breaker: new ConsecutiveBreaker(FAILURES_TO_LEAVE_OUT),
          }),
      },
    });
  }

  /** @throws DvrError DVR_STORE_UNREACHABLE: it may have been done, or still be. */
  async once(transaction: ITxnRequest): Promise<ITxnResponse> {
    return await this.etcd.kv.txn(transaction).catch(this.rethrow);
  }

  /** For what may be done twice. @throws DvrError DVR_STORE_UNREACHABLE */
  async untilDone(transaction: ITxnRequest): Promise<ITxnResponse> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await this.etcd.kv.txn(transaction);
      } catch (error) {
        if (!isBrokenCircuitError(error)) this.lastFault = error;
        if (performance.now() > deadline) return this.rethrow(error);
        await sleep(AGAIN_MS);
      }
    }
  }

  /** @throws DvrError DVR_STORE_UNREACHABLE */
  async watch(): Promise<WatchStream> {
    return await this.etcd.watchClient.watch().catch(this.rethrow);
  }

  /** Forgets how things were before the revision; that others have done so already is as good. */
  async compact(revision: number): Promise<void> {
    await this.etcd.kv.compact({ revision: `${revision}` }).catch(() => {});
  }

  close(): void {
    this.etcd.close();
  }

  private readonly rethrow = (error: unknown): never => {
    // That a member is left out for now does not say what is wrong with it.
    if (!isBrokenCircuitError(error)) this.lastFault = error;
    throw storeUnreachable(this.where, this.lastFault ?? error);
  };
}

export const has = ({ key, value }: Change): ICompare =>
  value === undefined
    ? { key: Buffer.from(key), target: 'Version', result: 'Equal', version: 0 }
    : { key: Buffer.from(key), target: 'Value', result: 'Equal', value: Buffer.from(value) };

export const exists = (key: string): ICompare => ({
  key: Buffer.from(key),
  target: 'Version',
  result: 'Greater',
  version: 0,
});

export const set = ({ key, value }: Change): IRequestOp =>
  value === undefined
    ? { request_delete_range: { key: Buffer.from(key) } }
    : { request_put: { key: Buffer.from(key), value: Buffer.from(value) } };

export const read = (key: string): IRequestOp => ({ request_range: { key: Buffer.from(key) } });

export const removeAll = (prefix: string): IRequestOp => ({
  request_delete_range: { key: Buffer.from(prefix), range_end: endOf(prefix) },
});

/** The first key after all that begin with the prefix, which is not empty. */
export function endOf(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  // No byte of UTF-8 is 255.
  end[end.length - 1] = (end[end.length - 1] ?? 0) + 1;
  return end;
}

/** What the answer's n-th operation, which read one key, has found. */
export const valueAt = ({ responses }: ITxnResponse, n: number): string | undefined =>
  responses[n]?.response_range.kvs[0]?.value.toString();
