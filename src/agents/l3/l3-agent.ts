/**
 * The l3 agent: keeps this node's namespaces as their descriptions say, whichever kind they are. A thin shell
 * that remembers what it has done, so that an unchanged namespace costs nothing, and asks the kernel again
 * when told to distrust its memory.
 */
import { fipDeviceName, routerDeviceName, snatDeviceName } from '../../model/device-names.js';
import { DvrError } from '../../model/errors.js';
import type { Difference } from '../../model/node-difference.js';
import { fipNamespaceName, routerNamespaceName, snatNamespaceName } from '../../namespaces/names.js';
import { namespaceDifferences } from '../../namespaces/namespace-difference.js';
import {
  differenceOf, emptyFacts, holds, translationsIn, type NamespaceContents, type NamespaceFacts,
} from '../../namespaces/namespace-facts.js';
import {
  neighbourCommands, nftText, noNftText, routeCommands, ruleCommands, translationText,
  type Announcement, type Namespace, type NamespaceDevice, type Translation,
} from '../../namespaces/namespace.js';
import { ownNftTables } from '../../namespaces/nft.js';
import type { Hands } from '../../namespaces/scripts.js';

/** The TAP of a device of the dataplane; nothing where it is not open. */
type TapOf = (device: string) => string | undefined;

interface Built extends NamespaceContents {
  /** By device name: the device as it was made, and what it was made of. */
  readonly made: ReadonlyMap<string, string>;
  readonly nft: { readonly text: string; readonly listing: string };
}

/** Tells the network of an address, and again while `isHere`. */
export type Tell = (arrival: Arrival, isHere: () => boolean) => void;
export interface Arrival extends Announcement { readonly namespace: string }

/** Ends of links, and what changes its name with the gateway's network: all others are closed by their port. */
const isOurLink = (device: string): boolean => /^(rfp|fpr|qg)-/.test(device);

/** Where a device is to stand, without its name there where that is not in its own; nothing for other kinds. */
export function standingPlace(
  device: string,
): { readonly namespace: string; readonly ifname?: string } | undefined {
  const [kind, owner = '', network = ''] = device.split('/');
  switch (kind) {
    case 'qr': return { namespace: routerNamespaceName(owner), ifname: routerDeviceName(network) };
    case 'sg': return { namespace: snatNamespaceName(owner), ifname: snatDeviceName(network) };
    case 'qg': return { namespace: snatNamespaceName(owner) };
    case 'fg': return { namespace: fipNamespaceName(owner), ifname: fipDeviceName(owner) };
    default: return undefined;
  }
}

export class L3Agent {
  readonly #built = new Map<string, Built>();
  /** What has come here since announce(). */
  readonly #arrived = new Map<string, Arrival>();
  /** What nft said of each namespace's table when it was made. */
  readonly #listings = new Map<string, string>();
  #building: string | undefined;
  /** Namespaces that were being built when they were looked at, or did not answer in time. */
  #unsure = new Set<string>();
  /** Addresses that are to be at home in each namespace. */
  readonly #homes = new Map<string, ReadonlySet<string>>();

  constructor(private readonly hands: Hands, private readonly tell: Tell) {}

  /**
   * Builds the namespace, or what of it has changed. `tapOf` names the TAP of a device; where it is not open,
   * the device and all that goes by it are left for the next time.
   */
  async build(namespace: Namespace, tapOf: TapOf): Promise<void> {
    this.#building = namespace.name;
    await this.#build(namespace, tapOf).finally(() => { this.#building = undefined; });
  }

  async #build(namespace: Namespace, tapOf: TapOf): Promise<void> {
    const { name } = namespace;
    const before = this.#built.get(name);
    this.#built.delete(name);
    if (before === undefined) await this.hands.namespaceUp(name, namespace.sysctls);
    const seen = before === undefined ? await this.hands.look(name, ownNftTables) : factsOf(before);
    const stale = seen.devices.map((device) => device.name)
      .filter((device) => isOurLink(device) && !namespace.devices.some((wanted) => wanted.name === device));
    const { made, taken } = await this.#buildDevices(namespace, tapOf, before?.made ?? new Map<string, string>());
    const found = without(seen, [...stale, ...taken]);
    const contents = contentsOf(namespace, made);
    const nft = await this.#buildNft(namespace, found, before);
    const commands = [
      ...neighbourCommands(found.neighbours, contents.neighbours),
      ...orderedCommands(found, contents),
    ];
    // A failed line leaves nothing remembered: the next build reads what is there and tries again.
    if (commands.length > 0) await this.hands.batch(name, commands);
    await this.#cut(name, found.nft, namespace.nft?.translations ?? []);
    for (const device of stale) await this.hands.deviceDown(name, device);
    this.#welcome(namespace, namespace.announced.filter(({ device, ip }) => made.has(device) && !this.#wasAtHome(name, found, ip)));
    this.#built.set(name, { ...contents, made, nft });
    this.#listings.set(name, nft.listing);
  }

  async #buildDevices(
    { name, devices }: Namespace, tapOf: TapOf, before: ReadonlyMap<string, string>,
  ): Promise<{ readonly made: ReadonlyMap<string, string>; readonly taken: readonly string[] }> {
    const made = new Map<string, string>();
    const taken: string[] = [];
    for (const device of devices) {
      const source = 'tap' in device.from ? tapOf(device.from.tap) : device.name;
      if (source === undefined) continue;
      const text = JSON.stringify([source, device]);
      if (before.get(device.name) !== text && await this.hands.deviceUp(name, source, device)) taken.push(device.name);
      made.set(device.name, text);
    }
    return { made, taken };
  }

  /** The guard stands before any route leads to it; a table that is not wanted goes at the same place. */
  async #buildNft({ name, nft }: Namespace, found: NamespaceFacts, before: Built | undefined): Promise<Built['nft']> {
    const text = nft === undefined ? '' : nftText(nft);
    if (before !== undefined && before.nft.text === text) return before.nft;
    const there = ownNftTables.filter((table) => found.nft.includes(`table ${table} {`));
    const gone = there.filter((table) => table !== nft?.name).map(noNftText);
    if (text !== '' || gone.length > 0) await this.hands.nft(name, gone.join('') + text);
    return { text, listing: nft === undefined ? '' : await this.hands.nftListing(text, nft.name) };
  }

  /** Connections of what is not translated here any more, or into something else, end at once. */
  async #cut(namespace: string, nftBefore: string, after: readonly Translation[]): Promise<void> {
    const kept = new Set(after.map(translationText));
    const gone = translationsIn(nftBefore).filter((one) => !kept.has(translationText(one)));
    for (const one of gone) await this.hands.cut(namespace, one);
  }

  /** On a node that stood by, the address was there and yet not at home. After a restart what is found must do. */
  #wasAtHome(namespace: string, found: NamespaceFacts, ip: string): boolean {
    return holds(found, ip) && this.#homes.get(namespace)?.has(ip) !== false;
  }

  #welcome({ name, announced }: Namespace, arrived: readonly Announcement[]): void {
    this.#homes.set(name, new Set(announced.map(({ ip }) => ip)));
    for (const one of arrived) this.#arrived.set(`${name} ${one.ip}`, { namespace: name, ...one });
  }

  /** Tells the world of the addresses that have come here since the last time. */
  announce(): void {
    for (const arrival of this.#arrived.values()) {
      const isHere = (): boolean => this.#homes.get(arrival.namespace)?.has(arrival.ip) === true;
      if (isHere()) this.tell(arrival, isHere);
    }
    this.#arrived.clear();
  }

  /**
   * Holds every namespace, or these, against the kernel, a short command or two each, and forgets those that are not as
   * they were built: the next build mends them. Answers what was found, a sentence for each.
   */
  async look(namespaces?: ReadonlySet<string>): Promise<readonly string[]> {
    const found: string[] = [];
    for (const name of namespaces ?? [...this.#built.keys()]) {
      const built = this.#built.get(name);
      const difference = built && await this.#differenceOf(name, built);
      // Where it was built anew meanwhile, the look saw half of this and half of that.
      if (this.#building === name || this.#built.get(name) !== built) this.#unsure.add(name);
      else if (difference !== undefined) found.push(this.#mistrust(name, difference));
    }
    return found;
  }

  /** What is to be looked at once more, soon; asked for once. */
  takeUnsure(): ReadonlySet<string> {
    const unsure = this.#unsure;
    this.#unsure = new Set();
    return unsure;
  }

  #mistrust(name: string, difference: string): string {
    this.#built.delete(name);
    return `${name}: ${difference}`;
  }

  async #differenceOf(namespace: string, built: Built): Promise<string | undefined> {
    try {
      const tables = ownNftTables.filter((table) => built.nft.text.includes(`table ${table} {`));
      return differenceOf(built, built.nft.listing, await this.hands.look(namespace, tables));
    } catch (error) {
      // Where there was no answer in time the machine has enough to do already: it is asked once more, later.
      if (error instanceof DvrError && error.code === 'DVR_TIMEOUT') {
        this.#unsure.add(namespace);
        return undefined;
      }
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** All that is otherwise in the namespace than it is to be; nothing is done about it. */
  async differences(wanted: Namespace): Promise<readonly Difference[]> {
    const { name } = wanted;
    try {
      const tables = wanted.nft === undefined ? [] : [wanted.nft.name];
      return namespaceDifferences(wanted, this.#listings.get(name), await this.hands.look(name, tables));
    } catch (error) {
      if (!(error instanceof DvrError)) throw error;
      return [{ where: name, kind: 'missing', what: `the namespace as it is to be: ${error.message}` }];
    }
  }

  /** Deletes one device; its descriptors have been closed before. */
  async removeDevice(namespace: string, device: string): Promise<void> {
    this.#built.delete(namespace);
    await this.hands.deviceDown(namespace, device);
  }

  async remove(namespace: string): Promise<void> {
    this.#built.delete(namespace);
    this.#homes.delete(namespace);
    this.#listings.delete(namespace);
    await this.hands.namespaceDown(namespace);
  }

  /** Whatever was remembered of the namespace, or of all of them, is read from the kernel next time. */
  forget(namespace?: string): void {
    if (namespace === undefined) this.#built.clear();
    else this.#built.delete(namespace);
  }
}

/** What can be made now: nothing by a device that is not there. */
function contentsOf(namespace: Namespace, made: ReadonlyMap<string, string>): NamespaceContents {
  const isThere = (device: string | undefined): boolean =>
    device === undefined || device === 'lo' || made.has(device);
  return {
    devices: namespace.devices.filter(({ name }) => made.has(name)),
    neighbours: namespace.neighbours.filter(({ device }) => made.has(device)),
    routes: namespace.routes.filter(({ device }) => isThere(device)),
    rules: namespace.rules.filter(({ iif }) => isThere(iif)),
  };
}

/** What was built, as if it had been looked at. */
function factsOf({ devices, neighbours, routes, rules, nft }: Built): NamespaceFacts {
  const asFound = (device: NamespaceDevice) => ({ ...device, isUp: true });
  return { ...emptyFacts, devices: devices.map(asFound), neighbours, routes, rules, nft: nft.listing };
}

/** A device that goes takes its neighbours and routes along, or has done so: with its other end, or replaced by another. */
function without(facts: NamespaceFacts, devices: readonly string[]): NamespaceFacts {
  if (devices.length === 0) return facts;
  const stays = ({ device }: { readonly device?: string }): boolean => device === undefined || !devices.includes(device);
  return { ...facts, neighbours: facts.neighbours.filter(stays), routes: facts.routes.filter(stays) };
}

/**
 * A rule is there after the routes that it leads to, and gone before them: in between a packet would take
 * the next rule's way.
 */
function orderedCommands(before: NamespaceContents | NamespaceFacts, after: NamespaceContents): string[] {
  const routes = routeCommands(before.routes, after.routes);
  const isAdded = (line: string): boolean => line.startsWith('route replace ');
  return [
    ...routes.filter(isAdded), ...ruleCommands(before.rules, after.rules),
    ...routes.filter((line) => !isAdded(line)),
  ];
}
