/**
 * One node brought to what its view says, step by step (reconcile.ts), again and again. Holds what this
 * process knows of the node; agent.ts brings views, dataplanes and events, and takes reports away.
 *
 * Serial: one reconcile at a time, and the newest view wins. A step that fails is reported and the others
 * go on: one bad object never stops the rest of a node.
 */
import type { DataplaneEvent, Dataplane } from '../dataplane/interface.js';
import type { Log } from '../dataplane/log.js';
import type { Row } from '../dataplane/rows.js';
import { DvrError } from '../model/errors.js';
import type { Winners } from '../model/elected.js';
import type { NodeIds } from '../model/node-call.js';
import type { NodeReport, NodeView, RouterReport } from '../model/node-view.js';
import type { Namespace } from '../namespaces/namespace.js';
import { exitCodes, ScriptFailure, type Hands } from '../namespaces/scripts.js';
import { CurrentView } from './current-view.js';
import { desiredOf, type Desired, type Plug } from './desired.js';
import type { Inspected } from './differences.js';
import { Faults, operatorError } from './faults.js';
import { L2Agent, type Descriptors } from './l2/l2-agent.js';
import { Announcements, type AnnouncedEvent } from './l2/announcements.js';
import type { LearnedEvent } from './l2/learned.js';
import { LearnedMacs } from './l2/learned-macs.js';
import type { Comparison } from './l3/comparing.js';
import { L3Agent, standingPlace, type Tell } from './l3/l3-agent.js';
import { RaSpeaker } from './l3/ra-speaker.js';
import { RouterWatch, type RouterListener, type RouterWatchParts } from './l3/router-watch.js';
import { allocateIds, namesOfIds, tapName, vmDeviceName, type LocalIds } from './local-ids.js';
import { LostDevices } from './lost-devices.js';
import { nodeRows } from './node-rows.js';
import { PluggedPorts } from './plugged-ports.js';
import { reportOf } from './report.js';
import { plan, type Actual, type Step } from './reconcile.js';
import type { AgentState, MadeState } from './state.js';
import { WorkCounts } from './work-counts.js';

export interface NodeAgentParts {
  readonly node: string;
  readonly hands: Hands;
  readonly descriptors: Descriptors;
  readonly routerWatch: RouterWatchParts;
  /** Sends gratuitous ARP; the addon does it, tests pretend. */
  readonly tell: Tell;
  readonly save: (state: MadeState) => Promise<void>;
  readonly saveView: (view: NodeView) => Promise<void>;
  readonly log: Log;
}

export class NodeAgent {
  readonly #l2: L2Agent;
  readonly #l3: L3Agent;
  readonly #routerWatch: RouterWatch;
  readonly #raSpeaker: RaSpeaker;
  readonly #current: CurrentView;
  #ids: LocalIds;
  readonly #namespaces: Set<string>;
  readonly #plugged: PluggedPorts;
  readonly #lost: LostDevices;
  readonly #faults: Faults;
  readonly work = new WorkCounts();
  readonly #learned = new LearnedMacs();
  readonly announced = new Announcements();

  constructor(private readonly parts: NodeAgentParts, state: AgentState) {
    this.#l2 = new L2Agent(parts.hands, parts.descriptors);
    this.#l3 = new L3Agent(parts.hands, parts.tell);
    this.#routerWatch = new RouterWatch(parts.routerWatch);
    this.#raSpeaker = new RaSpeaker({ inject: (tick) => this.#l2.inject(tick), log: parts.log });
    this.#current = new CurrentView(state.view);
    this.#ids = state.ids;
    this.#namespaces = new Set(state.namespaces);
    this.#plugged = new PluggedPorts(state.plugs);
    this.#faults = new Faults(parts.log);
    this.#lost = new LostDevices({ l2: this.#l2, l3: this.#l3, plugged: this.#plugged, log: parts.log });
  }

  get givenView(): NodeView | undefined { return this.#current.given; }
  get #view(): NodeView | undefined { return this.#current.now; }

  /** Each view is looked at, also one that is never made true because the next is here already. */
  setView(view: NodeView): void {
    this.#current.set(view);
    this.#plugged.forgetGone(view);
    this.announced.follow(view);
  }

  /** Which nodes have been elected; all that is derived from the view follows. */
  setWinners(winners: Winners): void { this.#current.elect(winners); }

  async connect(dataplane: Dataplane): Promise<void> {
    await this.#l2.connect(dataplane, () => this.#rows(), this.#view?.generation ?? 0);
    this.#learnNumbers();
  }

  disconnect(): void { this.#l2.disconnect(); }

  /** Routers are compared with the kernel the next time: heals what others changed by hand. */
  distrust(): void { this.#l3.forget(); }

  watchRouters(listener: RouterListener): void { this.#routerWatch.start(listener); }

  /** Looks for what router namespaces do not tell of. */
  lookIntoRouters(): void { this.#routerWatch.look(); }

  /** Namespaces, all or these, that are not as they were built are forgotten. */
  async compare(namespaces?: ReadonlySet<string>): Promise<Comparison> {
    const found = await this.#l3.look(namespaces);
    for (const why of found) this.parts.log('warn', 'a namespace is not as it was built', { why });
    this.work.repairs += found.length;
    return { isOther: found.length > 0, unsure: this.#l3.takeUnsure() };
  }

  /** Numbers of devices that are open count, whatever the state file says: it may have been lost. */
  #learnNumbers(): void {
    const numbered = this.#l2.devices.filter(({ kind }) => kind === 'tap' || kind === 'uplink');
    const open = numbered.map(({ name, portId }) => [name, portId] as const);
    this.#ids = { ...this.#ids, ports: { ...this.#ids.ports, ...Object.fromEntries(open) } };
  }

  /** Brings the node to its view, if it has one; answers what to tell the controller. */
  async reconcile(nowMs: number): Promise<NodeReport | undefined> {
    const view = this.#view;
    if (view === undefined) return undefined;
    this.#faults.clear();
    const held = new Set(this.#l2.devices.map(({ name }) => name));
    const { ids, faults } = allocateIds(this.#ids, view, held);
    for (const fault of faults) this.#faults.add(fault);
    this.#ids = ids;
    this.ageLearned(nowMs);
    const desired = desiredOf(view, ids, this.#plugged.gone);
    // What will be made is on disk before it is: an agent that dies half-way knows what to take back.
    await this.#save(desired);
    for (const step of plan(desired, this.#actual())) await this.#take(step);
    await this.#save();
    await this.parts.saveView(this.#current.given ?? view);
    return this.report();
  }

  /**
   * Finds devices in a namespace that has lost its name (or its process) and lives on by descriptors: ours, or those of
   * whoever else looks inside. The kernel cannot tell us that it would be gone without. Answers whether there are any.
   */
  releasePins(): boolean {
    const nameless = new Set(this.#routerWatch.letGo());
    const inside = this.#l2.devices.map(({ name }) => name).filter((name) => nameless.has(standingPlace(name)?.namespace ?? ''));
    const pinned = this.#l2.pinning.filter((held) => this.#plugged.hasLeft(...held)).map(([name]) => name);
    return [...inside, ...pinned].map((name) => this.#deviceLeft(name)).some(Boolean);
  }

  #actual(): Actual {
    const { devices } = this.#l2;
    const { plugs, seen } = this.#plugged;
    return { devices, namespaces: [...this.#namespaces], plugs, seen };
  }

  /** For those who look at the node and change nothing. @throws DVR_NOT_FOUND without a view */
  inspected(): Inspected {
    const view = this.#view;
    if (view === undefined) throw new DvrError('DVR_NOT_FOUND', 'the node has no view yet', 'see dvr status');
    const desired = desiredOf(view, this.#ids, this.#plugged.gone);
    return { view, desired, actual: this.#actual(), rows: this.#rows(), lookInto: (one) => this.#l3.differences(one) };
  }

  /** Rows alone, for what was learned: cheaper than a whole reconcile and touching nothing else. */
  async applyRows(): Promise<void> {
    if (this.#view !== undefined) await this.#take({ step: 'rows' });
  }

  /** Takes "learned" events in; answers whether rows change. */
  learn(events: readonly LearnedEvent[], nowMs: number): boolean {
    return this.#view !== undefined && this.#learned.learn(events, this.#view, this.#ids, nowMs);
  }

  /** Takes an announcement in; answers whether the controller is to hear of it. */
  hear = (event: AnnouncedEvent, nowMs: number): boolean =>
    this.#view !== undefined && this.announced.hear(event, this.#view, this.#ids, nowMs);

  /** Learned MACs grow older; answers whether rows change. */
  ageLearned(nowMs: number): boolean {
    return this.#view !== undefined && this.#learned.age(this.#view, this.#ids, nowMs);
  }

  /** A device's namespace is gone: it is closed by the next reconcile, and not opened there again. */
  deviceGone = ({ name }: Extract<DataplaneEvent, { readonly event: 'device_gone' }>): boolean => this.#deviceLeft(name);

  #deviceLeft(name: string): boolean {
    const isOurs = this.#lost.left(name, this.#view);
    if (isOurs) ++this.work.devicesGone;
    return isOurs;
  }

  async closeLost(): Promise<void> { await this.#lost.close((body) => this.#guard(body)); }

  /** Lets the routers of this node speak to its VMs unasked. */
  async advertise(): Promise<void> {
    if (this.#view !== undefined) await this.#raSpeaker.speak(this.#view, this.#ids);
  }

  numbers(): NodeIds { return { ...namesOfIds(this.#ids, this.#view), routers: this.#routerReports() }; }

  /** Lets go of our duplicates; devices, rows and namespaces stay as they are. */
  close(): void {
    this.#routerWatch.close();
    this.#l2.release();
  }

  #rows(): Iterable<Row> {
    if (this.#view === undefined) return [];
    const ways = this.#routerWatch.ways(this.#view.routers);
    return nodeRows(this.#view, this.#workingIds(), this.#learned.now, ways);
  }

  /** The numbers of what works: a row must not lead to a device that is not there. */
  #workingIds(): LocalIds {
    const works = ([name]: readonly [string, number]): boolean => {
      const place = standingPlace(name);
      if (place !== undefined && this.#faults.namespaces.has(place.namespace)) return false;
      return this.#l2.has(name) && !this.#lost.has(name);
    };
    return { ...this.#ids, ports: Object.fromEntries(Object.entries(this.#ids.ports).filter(works)) };
  }

  async #take(step: Step): Promise<void> {
    const took = async (): Promise<void> => {
      await this.#step(step);
      this.work.took(step.step, 'done');
    };
    await this.#guard(took, (error) => {
      this.work.took(step.step, error.code);
      this.#faults.blame(step, error, this.#view);
      const code = error.cause instanceof ScriptFailure ? error.cause.exitCode : undefined;
      if (code === exitCodes.deviceLost) this.#lost.missed(step);
      if (code === exitCodes.namespaceLeft && step.step === 'plug') this.#deviceLeft(vmDeviceName(step.plug.port));
    });
  }

  async #step(step: Step): Promise<void> {
    switch (step.step) {
      case 'open': return this.#l2.open(step.spec, this.#plugged.placeOf(step.spec.name));
      case 'close': return this.#close(step.device);
      case 'build': return this.#build(step.namespace);
      case 'rows': return this.#apply();
      case 'announce': return this.#l3.announce();
      case 'plug': return this.#plug(step.plug);
      case 'unplug': return this.#unplug(step.plug);
      case 'remove':
        this.#routerWatch.forget(step.namespace);
        await this.#l3.remove(step.namespace);
        this.#namespaces.delete(step.namespace);
    }
  }

  async #close(device: string): Promise<void> {
    await this.#l2.close(device);
    const place = standingPlace(device);
    if (place?.ifname !== undefined) await this.#l3.removeDevice(place.namespace, place.ifname);
  }

  async #build(namespace: Namespace): Promise<void> {
    this.#namespaces.add(namespace.name);
    await this.#l3.build(namespace, (device) => {
      const portId = this.#ids.ports[device];
      return portId !== undefined && this.#l2.has(device) ? tapName(portId) : undefined;
    });
    this.#routerWatch.watch(namespace.name);
  }

  async #apply(): Promise<void> {
    const faults = await this.#l2.apply(this.#rows(), this.#view?.generation ?? 0);
    for (const { message } of faults) this.#faults.add(new DvrError('DVR_DATAPLANE_REFUSED', message, ''));
    if (this.#view !== undefined) await this.#raSpeaker.speakOfChanges(this.#view, this.#ids);
  }

  async #plug(plug: Plug): Promise<void> {
    // Where the device could not be opened that is the error, said already.
    if (!this.#l2.has(vmDeviceName(plug.port))) return;
    await this.#l2.plug(this.#plugged.begin(plug));
    this.#plugged.done(plug.port);
  }

  async #unplug(plug: Plug): Promise<void> {
    await this.#l2.unplug(plug);
    this.#plugged.remove(plug.port);
  }

  async #guard(body: () => Promise<void>, failed: (error: DvrError) => void = () => {}): Promise<void> {
    try {
      await body();
    } catch (cause) {
      // Without a dataplane no step can be taken: agent.ts waits for the next one.
      if (cause instanceof DvrError && cause.code === 'DVR_DATAPLANE_UNREACHABLE') throw cause;
      const error = operatorError(cause);
      this.#faults.add(error);
      failed(error);
    }
  }

  #routerReports(): RouterReport[] {
    return [...this.#routerWatch.ways(this.#view?.routers ?? [])].map(([id, way]) =>
      ({ id, ...way, ...this.#current.snatNode(id) }));
  }

  /** What to tell the controller, as things are now. */
  report(): NodeReport | undefined {
    return this.#view && reportOf(this.#view, {
      node: this.parts.node, errors: this.#faults.errors, failedPorts: this.#faults.ports,
      gone: new Set(this.#plugged.gone.keys()), plugged: this.#plugged.seen,
      open: new Set(this.#l2.devices.map(({ name }) => name)),
      routers: this.#routerReports(),
    });
  }

  #save(intended: Desired = { devices: [], namespaces: [], plugs: [] }): Promise<void> {
    const namespaces = new Set([...this.#namespaces, ...intended.namespaces.map(({ name }) => name)]);
    const plugs = this.#plugged.with(intended.plugs);
    return this.parts.save({ ids: this.#ids, namespaces: [...namespaces], plugs });
  }
}
