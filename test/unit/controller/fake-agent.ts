/** An agent without a node: speaks the stream's messages over the real socket, and says what it is told to. */
import { WebSocket } from 'ws';
import { authenticateClient, type ClusterKey } from '../../../src/model/cluster-key.js';
import type { AgentMessage, ControllerMessage } from '../../../src/model/node-call.js';
import type { NodeReport, NodeView, PortReport } from '../../../src/model/node-view.js';
import { applyDelta, type ViewDelta } from '../../../src/model/view-delta.js';

export class FakeAgent {
  /** As they were sent whole, or came to be. */
  readonly views: NodeView[] = [];
  readonly deltas: ViewDelta[] = [];
  /** How it answers calls; none: it does not answer. */
  onCall: ((method: string) => unknown) | undefined;
  /** Makes it apply every view it gets, as a healthy agent does, with these words on its ports. */
  onView: (view: NodeView) => readonly PortReport[] | undefined = allUp;
  closed: Promise<{ code: number; reason: string }>;
  private readonly waiters = new Set<() => void>();

  private constructor(
    readonly node: string,
    readonly socket: WebSocket,
  ) {
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on('message', (data: Buffer) =>
      this.receive(JSON.parse(data.toString()) as ControllerMessage),
    );
  }

  static async connect(url: string, node: string, key?: ClusterKey): Promise<FakeAgent> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve).once('error', reject);
    });
    if (key !== undefined) await authenticateClient(socket, key, node);
    socket.on('error', () => {});
    return new FakeAgent(node, socket);
  }

  register(vtepIp: string, underlayMtu = 1600, generation = 0): this {
    this.say({ type: 'register', node: this.node, vtepIp, underlayMtu, version: 'test', generation });
    return this;
  }

  report(report: Omit<NodeReport, 'node' | 'errors'>): void {
    this.say({ type: 'report', report: { node: this.node, errors: [], ...report } });
  }

  say(message: AgentMessage): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The newest view, once there are so many. */
  async view(count = 1): Promise<NodeView> {
    while (this.views.length < count)
      await new Promise<void>((resolve) => {
        this.waiters.add(resolve);
      });
    return this.views.at(-1) as NodeView;
  }

  close(): void {
    this.socket.terminate();
  }

  private changed(delta: ViewDelta): NodeView {
    const before = this.views.at(-1);
    const view = before && applyDelta(before, delta);
    if (view === undefined) throw new Error(`a delta from ${delta.from} does not fit`);
    return view;
  }

  private receive(message: ControllerMessage): void {
    if (message.type === 'call') {
      const result = this.onCall?.(message.method);
      if (result instanceof Error)
        this.say({
          type: 'failure',
          id: message.id,
          code: 'DVR_DATAPLANE_UNREACHABLE',
          message: result.message,
        });
      else if (result !== undefined) this.say({ type: 'result', id: message.id, result });
      return;
    }
    if (message.type === 'delta') this.deltas.push(message.delta);
    const view = message.type === 'view' ? message.view : this.changed(message.delta);
    this.views.push(view);
    const ports = this.onView(view);
    if (ports !== undefined) this.report({ generation: view.generation, ports });
    for (const wake of this.waiters) wake();
    this.waiters.clear();
  }
}

export const allUp = (view: NodeView): readonly PortReport[] =>
  view.localPorts.map(({ name }) => ({ name, state: 'up' }));
