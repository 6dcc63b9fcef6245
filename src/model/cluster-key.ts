/**
 * The cluster key and the proof of knowing it: what stands at the agent stream's TCP door.
 *
 *     client → {"type":"hello"}          it speaks first, so that nothing is said before it listens
 *     server → {"type":"challenge","nonce":Ns}
 *     client → {"type":"response","node":NAME,"nonce":Nc,"proof":HMAC(key, "… client NAME Ns Nc")}
 *     server → {"type":"welcome","proof":HMAC(key, "… server NAME Ns Nc")}
 *
 * The key never travels. Both nonces are in both proofs, so neither can be replayed; the role is in
 * them, so a proof cannot be sent back to its maker; the node's name is in them, so one node's proof
 * does not speak for another's. What follows the handshake is neither encrypted nor signed: the door
 * belongs on an underlay that strangers cannot write to, as VXLAN itself does (RFC 7348 section 7).
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import type { WebSocket } from 'ws';
import { DvrError } from './errors.js';
import { parseName, type Name } from './identifiers.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 32;
/** A handshake is four short messages; whoever takes longer is not one of ours. */
const HANDSHAKE_MS = 5_000;
const MAX_HANDSHAKE_BYTES = 1_024;
const hex32 = /^[0-9a-f]{64}$/;

export type ClusterKey = Buffer;

/** @throws DvrError DVR_KEY_INVALID where the file is missing, readable by others, or no key. */
export function readClusterKey(path: string): ClusterKey {
  let text: string;
  try {
    const file = openSync(path, 'r');
    try {
      if ((fstatSync(file).mode & 0o077) !== 0) {
        throw keyError(
          `${path} can be read by others than its owner`,
          `chmod 600 ${path}, or make a new key`,
        );
      }
      text = readFileSync(file, 'utf8').trim();
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    if (cause instanceof DvrError) throw cause;
    throw keyError(
      `cannot read the cluster key ${path}`,
      `make one with: dvr init --key ${path}`,
      cause,
    );
  }
  if (!hex32.test(text)) {
    throw keyError(
      `${path} holds no cluster key (${KEY_BYTES} bytes in hex)`,
      'make one with: dvr init --key FILE',
    );
  }
  return Buffer.from(text, 'hex');
}

/** Makes a new key that only its owner can read. @throws DvrError DVR_CONFLICT where the file exists. */
export function createClusterKey(path: string): void {
  try {
    writeFileSync(path, `${randomBytes(KEY_BYTES).toString('hex')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new DvrError(
        'DVR_CONFLICT',
        `${path} exists already`,
        'nodes that use it would be locked out; remove it first if that is meant',
        { cause },
      );
    }
    throw new DvrError(
      'DVR_USAGE',
      `cannot write ${path}: ${(cause as Error).message}`,
      'give a path that can be written',
      { cause },
    );
  }
}

/** Proves to the server that we know the key, and has it prove the same. @throws DVR_KEY_INVALID */
export async function authenticateClient(
  socket: WebSocket,
  key: ClusterKey,
  node: string,
): Promise<void> {
  const messages = messagesOf(socket);
  try {
    socket.send(JSON.stringify({ type: 'hello' }));
    const serverNonce = nonceOf(await messages.next(), 'challenge');
    const clientNonce = randomBytes(NONCE_BYTES).toString('hex');
    const proof = proofOf(key, 'client', node, serverNonce, clientNonce);
    socket.send(JSON.stringify({ type: 'response', node, nonce: clientNonce, proof }));
    const welcome = await messages.next();
    expectProof(welcome, 'welcome', proofOf(key, 'server', node, serverNonce, clientNonce));
  } finally {
    messages.close();
  }
}

/** Has the client prove that it knows the key and answers with its node's name. @throws DVR_KEY_INVALID */
export async function authenticateServer(socket: WebSocket, key: ClusterKey): Promise<Name> {
  const messages = messagesOf(socket);
  try {
    if ((await messages.next())['type'] !== 'hello') throw notOurs();
    const serverNonce = randomBytes(NONCE_BYTES).toString('hex');
    socket.send(JSON.stringify({ type: 'challenge', nonce: serverNonce }));
    const response = await messages.next();
    const clientNonce = nonceOf(response, 'response');
    const node = parseName(String(response['node']));
    if (node === undefined)
      throw keyError('the other side gave no node name', 'see dvr agent --node');
    expectProof(response, 'response', proofOf(key, 'client', node, serverNonce, clientNonce));
    socket.send(
      JSON.stringify({
        type: 'welcome',
        proof: proofOf(key, 'server', node, serverNonce, clientNonce),
      }),
    );
    return node;
  } finally {
    messages.close();
  }
}

type HandshakeMessage = Readonly<Record<string, unknown>>;

function proofOf(
  key: ClusterKey,
  role: 'client' | 'server',
  node: string,
  serverNonce: string,
  clientNonce: string,
): string {
  return createHmac('sha256', key)
    .update(`dvr agent stream 1\n${role}\n${node}\n${serverNonce}\n${clientNonce}`)
    .digest('hex');
}

function nonceOf(message: HandshakeMessage, type: string): string {
  const nonce = message['nonce'];
  if (message['type'] !== type || typeof nonce !== 'string' || !hex32.test(nonce)) throw notOurs();
  return nonce;
}

function expectProof(message: HandshakeMessage, type: string, expected: string): void {
  const proof = message['proof'];
  if (message['type'] !== type || typeof proof !== 'string' || !hex32.test(proof)) throw notOurs();
  if (!timingSafeEqual(Buffer.from(proof, 'hex'), Buffer.from(expected, 'hex'))) {
    throw keyError(
      'the other side has another cluster key',
      'copy the same key file to the controller and to every node',
    );
  }
}

/** The socket's messages one after another; closing of the socket and the deadline end the wait. */
function messagesOf(socket: WebSocket): { next(): Promise<HandshakeMessage>; close(): void } {
  const waiting: string[] = [];
  let failure: DvrError | undefined;
  let wake = (): void => {};
  const fail = (error: DvrError): void => {
    failure ??= error;
    wake();
  };
  const onMessage = (data: Buffer, isBinary: boolean): void => {
    if (isBinary || data.length > MAX_HANDSHAKE_BYTES) fail(notOurs());
    else (waiting.push(data.toString('utf8')), wake());
  };
  const onClose = (code: number, reason: Buffer): void =>
    fail(
      keyError(
        `the other side closed the connection (${code} ${reason.toString('utf8')})`,
        'copy the same key file to the controller and to every node',
      ),
    );
  const timer = setTimeout(
    () =>
      fail(
        keyError(
          'the other side did not prove the cluster key in time',
          'see that it is a dvr process with --key',
        ),
      ),
    HANDSHAKE_MS,
  );
  socket.on('message', onMessage).on('close', onClose);
  return {
    next: async () => {
      while (waiting.length === 0 && failure === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const text = waiting.shift();
      if (text === undefined) throw failure ?? notOurs();
      return parseMessage(text);
    },
    close: () => {
      clearTimeout(timer);
      socket.off('message', onMessage).off('close', onClose);
    },
  };
}

function parseMessage(text: string): HandshakeMessage {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as HandshakeMessage;
  } catch {
    /* It is told below, the same way as any other strange message. */
  }
  throw notOurs();
}

function notOurs(): DvrError {
  return keyError(
    'the other side does not speak the cluster key handshake',
    'see that both sides run dvr with --key',
  );
}

function keyError(message: string, hint: string, cause?: unknown): DvrError {
  return new DvrError('DVR_KEY_INVALID', message, hint, { cause });
}
