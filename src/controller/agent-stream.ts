/**
 * The door agents come in by: WebSocket upgrades at /dvr/v1/agent?node=NAME, on the controller's unix
 * socket as they are, on TCP after both sides have proved the cluster key.
 *
 * An agent says who it is (`register`), gets its view, and what differs whenever that changes. A second
 * connection of one node takes the place of the first: the agent has restarted and the old one is dead.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { authenticateServer, type ClusterKey } from '../model/cluster-key.js';
import { DvrError } from '../model/errors.js';
import { MAX_STREAM_MESSAGE_BYTES } from '../model/limits.js';
import type { AgentMessage, AnnouncedAddress, NodeCallMethod } from '../model/node-call.js';
import type { NodeReport } from '../model/node-view.js';
import { AgentSession, closeCodes, nothingSent, type SessionMessage } from './agent-session.js';
import { Announcements } from './announcements.js';
import type { Controller } from './controller.js';
import type { Log } from './log.js';
import type { Command } from './state.js';

export const AGENT_PATH = '/dvr/v1/agent';
/** Strangers at the TCP door may hold so many connections for the length of a handshake. */
const MAX_HANDSHAKES = 32;
const REGISTER_MS = 5_000;
/** How long after the store is back, at most, agents are asked to say again what could not be kept. */
const SAY_AGAIN_MS = 2_000;

export class AgentStream {
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_STREAM_MESSAGE_BYTES,
    perMessageDeflate: false,
  });
  private readonly sessions = new Map<string, AgentSession>();
  private readonly open = new Set<WebSocket>();
  /** Agents of which something could not be kept. */
  private readonly unkept = new Set<AgentSession>();
  private readonly sayAgain: NodeJS.Timeout;
  private handshakes = 0;
  readonly sent = nothingSent();
  private readonly announcements: Announcements;
  private readonly stopListening: () => void;

  constructor(
    private readonly controller: Controller,
    private readonly log: Log,
  ) {
    this.announcements = new Announcements(controller, log);
    this.sayAgain = setInterval(() => void this.askUnkept(), SAY_AGAIN_MS);
    this.stopListening = controller.listen({
      view: (node, view) => this.sessions.get(node)?.sendView(view),
      nodeGone: (node) =>
        this.sessions
          .get(node)
          ?.close(closeCodes.unknownNode, `node "${node}" has left the topology`),
    });
  }

  /** Whether the node's agent is connected and has registered. */
  readonly isConnected = (node: string): boolean => this.sessions.has(node);

  /** @throws DvrError DVR_NODE_UNREACHABLE, or what the agent answers with. */
  async call(
    node: string,
    method: NodeCallMethod,
    params: Readonly<Record<string, unknown>>,
    deadlineMs: number,
  ): Promise<unknown> {
    const session = this.sessions.get(node);
    if (session === undefined) {
      throw new DvrError(
        'DVR_NODE_UNREACHABLE',
        `no agent of node ${node} is connected`,
        `start it: dvr agent --node ${node}`,
      );
    }
    return await session.call(method, params, deadlineMs);
  }

  /**
   * Takes an upgrade of the HTTP server; with a key the agent must prove that it has the same. The
   * node may be named in the address (`?node=cn1`): then a node that is unknown is told so at once.
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, key?: ClusterKey): void {
    // What a stranger writes there need not be a URL, and parsing that throws.
    const text = `http://controller${request.url ?? '/'}`;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url?.pathname !== AGENT_PATH) return refuseUpgrade(socket, '404 Not Found');
    const asked = url.searchParams.get('node') ?? undefined;
    if (key !== undefined && this.handshakes >= MAX_HANDSHAKES) {
      return refuseUpgrade(socket, '503 Service Unavailable');
    }
    this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.open.add(webSocket);
      webSocket.on('close', () => this.open.delete(webSocket));
      webSocket.on('error', (error) =>
        this.log.warn({ node: asked, error: error.message }, 'agent stream failed'),
      );
      if (key === undefined) this.admit(webSocket, asked);
      else void this.authenticate(webSocket, asked, key);
    });
  }

  close(): void {
    this.stopListening();
    clearInterval(this.sayAgain);
    this.announcements.close();
    for (const socket of this.open) socket.close(1001, 'the controller stops');
    for (const socket of this.open) socket.terminate();
    this.sockets.close();
  }

  private async authenticate(
    socket: WebSocket,
    asked: string | undefined,
    key: ClusterKey,
  ): Promise<void> {
    this.handshakes++;
    try {
      const proved = await authenticateServer(socket, key);
      if (asked === undefined || proved === asked) this.admit(socket, proved);
      else socket.close(closeCodes.keyInvalid, 'the proof is of another node');
    } catch (error) {
      if (!(error instanceof DvrError)) throw error;
      this.log.warn({ node: asked, error: error.message }, 'agent refused');
      socket.close(closeCodes.keyInvalid, error.code);
    } finally {
      this.handshakes--;
    }
  }

  /** Waits for the agent to register, as `expected` where that is known already. */
  private admit(socket: WebSocket, expected: string | undefined): void {
    const late = setTimeout(
      () => session.close(closeCodes.badMessage, 'no register came'),
      REGISTER_MS,
    );
    const session = new AgentSession(
      socket,
      async (message) => {
        clearTimeout(late);
        await this.take(session, message, expected);
      },
      () => {
        clearTimeout(late);
        this.leave(session);
      },
      this.sent,
    );
    if (expected !== undefined && !this.controller.intent.nodes.has(expected)) {
      refuseUnknown(session, expected);
    }
  }

  private async take(
    session: AgentSession,
    message: SessionMessage,
    expected: string | undefined,
  ): Promise<void> {
    try {
      if (message.type === 'register') await this.register(session, message, expected);
      else if (message.type === 'announced') this.announced(session, message.addresses);
      else await this.report(session, message.report);
    } catch (error) {
      if (!(error instanceof DvrError)) throw error;
      this.log.warn({ node: session.node, error: error.message }, 'agent refused');
      session.close(closeCodes.refused, `${error.code}: ${error.message}`);
    }
  }

  private async register(
    session: AgentSession,
    { node, vtepIp, underlayMtu, generation = 0 }: Extract<AgentMessage, { type: 'register' }>,
    expected: string | undefined,
  ): Promise<void> {
    const known = this.sessions.get(session.node) === session ? session.node : expected;
    if (known !== undefined && node !== known) {
      throw new DvrError(
        'DVR_CONFLICT',
        `connected as ${known}, registers as ${node}`,
        'this is a mistake of the agent',
      );
    }
    if (!this.controller.intent.nodes.has(node)) return refuseUnknown(session, node);
    await this.keep(session, {
      command: 'registerNode',
      node,
      vtepIp,
      underlayMtuBytes: underlayMtu,
      generation,
    });
    if (!session.isOpen) return;
    const replaced = this.sessions.get(node);
    session.node = node;
    this.sessions.set(node, session);
    if (replaced !== undefined && replaced !== session) {
      replaced.close(closeCodes.replaced, `another agent of node "${node}" has connected`);
    }
    const view = this.controller.view(node, generation);
    if (view !== undefined) session.sendWholeView(view);
  }

  /** What a replaced or unregistered connection says of the node no longer counts. */
  private async report(session: AgentSession, report: NodeReport): Promise<void> {
    if (this.sessions.get(session.node) !== session || report.node !== session.node) return;
    await this.keep(session, { command: 'reportNode', report });
  }

  /** While the store cannot be reached an agent is served by what is known here, and what it says waits. */
  private async keep(session: AgentSession, command: Command): Promise<void> {
    try {
      await this.controller.execute(command);
    } catch (error) {
      if (!(error instanceof DvrError && error.code === 'DVR_STORE_UNREACHABLE')) throw error;
      this.unkept.add(session);
    }
  }

  /** Once the store is back: an agent whose connection ends comes again at once, and says everything anew. */
  private async askUnkept(): Promise<void> {
    if (this.unkept.size === 0 || !(await this.controller.fresh().then(() => true, () => false))) return;
    for (const session of this.unkept) session.close(closeCodes.sayAgain, 'the store is back: say it again');
    this.unkept.clear();
  }

  private announced(session: AgentSession, addresses: readonly AnnouncedAddress[]): void {
    if (this.sessions.get(session.node) === session) this.announcements.take(session.node, addresses);
  }

  private leave(session: AgentSession): void {
    this.unkept.delete(session);
    if (this.sessions.get(session.node) !== session) return;
    this.sessions.delete(session.node);
    this.log.info({ node: session.node }, 'agent has gone');
  }
}

function refuseUnknown(session: AgentSession, node: string): void {
  session.close(
    closeCodes.unknownNode,
    `DVR_NOT_FOUND: no node is named "${node}"; add it to the topology`,
  );
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => {}); // It may be gone already, and nobody else listens.
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
