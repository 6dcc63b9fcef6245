/**
 * The agent process of a node: joins the controllers' streams, the dataplane's socket and the node's hands.
 *
 *     controller ==view==> agent ==rows, devices==> dataplane
 *                <=report=       <====events======
 *                                --scripts--> namespaces
 *
 * Any of the three may come, go and come back in any order. At start the last good view is used before
 * the controller answers; a new dataplane is filled at once; nothing is torn down when the agent stops.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../dataplane/log.js';
import { addon } from '../dataplane/native.js';
import { connectDataplane, type DataplaneProxy } from '../dataplane/proxy.js';
import { version } from '../dataplane/version.js';
import { DvrError } from '../model/errors.js';
import type { AgentMessage } from '../model/node-call.js';
import type { NodeReport } from '../model/node-view.js';
import { dataplaneSocket, snatSocket } from '../model/paths.js';
import type { RoutingMode } from '../model/routing.js';
import { kRouteProtocol } from '../namespaces/namespace.js';
import { hands as realHands, type Hands } from '../namespaces/scripts.js';
import type { MeasuredAgent } from './agent-metrics.js';
import { controllers, type ControllerAddress, type Controllers } from './controllers.js';
import { differencesOf } from './differences.js';
import { examine } from './doctor/examine.js';
import { GatheredEvents } from './gathered-events.js';
import type { Descriptors } from './l2/l2-agent.js';
import { Comparing } from './l3/comparing.js';
import { teller } from './l3/gratuitous-arp.js';
import type { Tell } from './l3/l3-agent.js';
import { kAdvertiseMs } from './l3/ra-program.js';
import type { RouterWatchParts } from './l3/router-watch.js';
import { NamespaceNames } from './namespace-names.js';
import { NodeAgent } from './node-agent.js';
import { answerCall } from './node-calls.js';
import { pause } from './pause.js';
import { linkToSnat, type SnatLink } from './snat/door.js';
import { snatWish } from './snat/wish.js';
import { loadState, stateKeeper } from './state.js';

export interface AgentOptions {
  readonly node: string;
  readonly controllers: readonly ControllerAddress[];
  readonly vtepIp: string;
  /** For every router of the node, whatever the topology says. */
  readonly routing?: RoutingMode | undefined;
  readonly log: Log;
  /** Given by tests. */
  readonly hands?: Hands;
  readonly descriptors?: Descriptors;
  readonly routerWatch?: RouterWatchParts;
  readonly tell?: Tell;
}

export interface Agent {
  /** For its metrics. */
  readonly measured: MeasuredAgent;
  close(): Promise<void>;
}

const kFirstDataplaneWaitMs = 20;
const kLongestDataplaneWaitMs = 1000;
/** After a failed step; doubles up to the longest, and starts anew with the next view. */
const kFirstRetryMs = 1000;
const kLongestRetryMs = 30_000;
/** How often everything is compared with the kernel again. */
const kResyncMs = 120_000;
/**
 * How often is looked for what nobody tells, all in one wake-up: XDP and old iptables in router namespaces, namespaces
 * without a name that are gone but for our descriptors, learned MACs that are old (in a tenth of their shortest time).
 */
const kLookMs = 5000;

export async function runAgent(options: AgentOptions): Promise<Agent> {
  const agent = new AgentProcess(options, new NodeAgent({
    node: options.node,
    hands: options.hands ?? realHands(),
    descriptors: options.descriptors ?? addon(),
    routerWatch: options.routerWatch ?? {
      open: (path, heard, askMs) => new (addon().NamespaceWatch)(path, kRouteProtocol, heard, askMs),
      mode: options.routing,
    },
    tell: options.tell ?? teller(options.log),
    ...stateKeeper(options.node),
    log: options.log,
  }, await loadState(options.node)));
  agent.start();
  return agent;
}

class AgentProcess implements Agent {
  #controllers: Controllers | undefined;
  #dataplane: DataplaneProxy | undefined;
  #snat: SnatLink | undefined;
  #lastReport: NodeReport | undefined;
  #wanted: 'nothing' | 'rows' | 'all' = 'nothing';
  #working: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = kFirstRetryMs;
  #clocks: readonly NodeJS.Timeout[] = [];
  readonly #comparing = new Comparing((namespaces) => this.node.compare(namespaces), () => { this.#want('all'); });
  readonly #events: GatheredEvents;
  readonly #names = new NamespaceNames(() => { this.#releasePins(); });
  readonly #stop = new AbortController();

  readonly measured: MeasuredAgent;

  constructor(private readonly options: AgentOptions, private readonly node: NodeAgent) {
    this.#events = new GatheredEvents(node, {
      want: (what) => { this.#want(what); },
      tellAnnounced: () => { this.#controllers?.announce(node.announced.take(performance.now())); },
    });
    this.measured = {
      counters: async () => await this.#reached().counters(),
      numbers: () => node.numbers(),
      generations: () => ({ given: node.givenView?.generation ?? 0, applied: this.#lastReport?.generation ?? 0 }),
      work: node.work,
    };
  }

  start(): void {
    const { controllers: addresses, log } = this.options;
    this.#controllers = controllers({
      addresses, log,
      register: () => this.#register(),
      view: () => this.node.givenView,
      announced: () => this.node.announced.all(performance.now()),
      onView: (view) => {
        this.#retryMs = kFirstRetryMs;
        this.node.setView(view);
        this.#elect();
        this.#want('all');
      },
      onCall: (method, params) => answerCall({
        dataplane: () => this.#reached(), numbers: () => this.node.numbers(),
        examine: () => examine(this.node.inspected(), () => this.#reached()),
        differences: () => this.#betweenWork(() => differencesOf(this.node.inspected(), this.#reached())),
      }, method, params),
    });
    this.#clocks = [
      setInterval(() => { this.node.distrust(); this.#want('all'); }, kResyncMs),
      setInterval(() => { this.#look(); }, kLookMs),
      setInterval(() => { void this.node.advertise(); }, kAdvertiseMs),
    ];
    this.node.watchRouters({ changed: () => { this.#want('rows'); }, touched: (namespace) => { this.#comparing.touched(namespace); } });
    this.#names.follow();
    this.#snat = linkToSnat(snatSocket(this.options.node), (winners) => {
      this.node.setWinners(winners);
      this.#want('all');
    }, log);
    this.#elect();
    void this.#keepDataplane();
    void this.#comparing.run(this.#stop.signal);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const timer of [...this.#clocks, this.#retry]) clearTimeout(timer);
    this.#events.close();
    this.#names.close();
    this.#controllers?.close();
    this.#snat?.close();
    await this.#working;
    await this.#dataplane?.close();
    this.node.close();
  }

  /** Lets the SNAT agent know what there is to be elected. */
  #elect(): void {
    const view = this.node.givenView;
    if (view !== undefined) this.#snat?.want(snatWish(view));
  }

  async #register(): Promise<AgentMessage> {
    const { node, vtepIp } = this.options;
    const underlayMtu = await (this.options.hands ?? realHands()).mtuOfAddress(vtepIp);
    if (underlayMtu === undefined) {
      throw new DvrError('DVR_NOT_FOUND', `no device of this node has the VTEP address ${vtepIp}`,
        'give it to the underlay device');
    }
    const generation = this.node.givenView?.generation;
    return { type: 'register', node, vtepIp, underlayMtu, version, ...(generation !== undefined && { generation }) };
  }

  #reached(): DataplaneProxy {
    if (this.#dataplane !== undefined) return this.#dataplane;
    throw new DvrError('DVR_DATAPLANE_UNREACHABLE', `node ${this.options.node} has no dataplane now`,
      'is `dvr dataplane` running there?');
  }

  /** Connects to the dataplane, for as long as the agent lives; soon at first, for a hand-over is short. */
  async #keepDataplane(): Promise<void> {
    let waitMs = kFirstDataplaneWaitMs;
    let told = false;
    while (!this.#stop.signal.aborted) {
      try {
        const dataplane = await connectDataplane(dataplaneSocket(this.options.node));
        waitMs = kFirstDataplaneWaitMs;
        told = false;
        await this.#use(dataplane);
      } catch (error) {
        if (!told) this.options.log('warn', 'no dataplane yet', { why: String(error) });
        told = true;
      }
      await pause(waitMs, this.#stop.signal);
      waitMs = Math.min(kLongestDataplaneWaitMs, waitMs * 1.5);
    }
  }

  #look(): void {
    this.#names.follow();
    this.#releasePins();
    if (this.node.ageLearned(Date.now())) this.#want('rows');
    this.node.lookIntoRouters();
  }

  #releasePins(): void { if (this.node.releasePins()) this.#want('all'); }

  /** Works with this dataplane until it is gone. */
  async #use(dataplane: DataplaneProxy): Promise<void> {
    dataplane.onEvent((event) => { this.#events.take(event); });
    // A reconcile that still speaks to the one before ends first; it fails at its next step.
    await this.#working;
    try {
      await this.node.connect(dataplane);
      this.#dataplane = dataplane;
      this.options.log('info', 'connected to the dataplane');
      this.#want('all');
      await dataplane.ended;
    } finally {
      this.#dataplane = undefined;
      await this.#working;
      this.node.disconnect();
      await dataplane.close();
    }
  }

  /** Asks for work; what is asked while working is done in the next round, once. */
  #want(what: 'rows' | 'all'): void {
    if (this.#wanted !== 'all') this.#wanted = what;
    if (this.#working !== undefined || this.#stop.signal.aborted) return;
    this.#working = this.#work().finally(() => { this.#working = undefined; });
  }

  /** Looks while nothing is being done: what is asked for meanwhile is done afterwards. */
  async #betweenWork<Seen>(look: () => Promise<Seen>): Promise<Seen> {
    while (this.#working !== undefined) await this.#working;
    const looking = look();
    this.#working = looking.then(() => {}, () => {}).finally(() => {
      this.#working = undefined;
      if (this.#wanted !== 'nothing') this.#want(this.#wanted);
    });
    return await looking;
  }

  async #work(): Promise<void> {
    while (this.#wanted !== 'nothing' && this.#dataplane !== undefined && !this.#stop.signal.aborted) {
      const what = this.#wanted;
      this.#wanted = 'nothing';
      try {
        if (what === 'rows') await this.#applyRows();
        else await this.#reconcile();
      } catch (error) {
        this.options.log('warn', 'work was cut short', { why: String(error) });
        this.#retryLater();
      }
    }
  }

  async #reconcile(): Promise<void> {
    await this.node.closeLost();
    const report = await this.node.reconcile(Date.now());
    if (report === undefined) return;
    this.#tell(report);
    if (report.errors.length > 0) this.#retryLater();
    else this.#retryMs = kFirstRetryMs;
  }

  /** A router that takes another way is told of; what was learned is not. */
  async #applyRows(): Promise<void> {
    await this.node.applyRows();
    const report = this.node.report();
    if (report !== undefined && !isDeepStrictEqual(report, this.#lastReport)) this.#tell(report);
  }

  #tell(report: NodeReport): void {
    this.#lastReport = report;
    this.#controllers?.report(report);
  }

  #retryLater(): void {
    if (this.#retry !== undefined || this.#stop.signal.aborted) return;
    this.#retry = setTimeout(() => { this.#retry = undefined; this.#want('all'); }, this.#retryMs);
    this.#retryMs = Math.min(kLongestRetryMs, this.#retryMs * 2);
  }
}
