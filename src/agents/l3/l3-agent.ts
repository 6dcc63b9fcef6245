/**
 * The l3 agent: keeps this node's router namespaces as router-namespace.ts says. A thin shell that
 * remembers what it has done, so that an unchanged router costs nothing, and asks the kernel again when
 * told to distrust its memory.
 */
import { DvrError } from '../../model/errors.js';
import { differenceOf, type RouterContents } from '../../namespaces/router-facts.js';
import {
  neighbourCommands, routeCommands, routerDeviceName, routerNamespaceName,
  type RouterDevice, type RouterNamespace,
} from '../../namespaces/router-namespace.js';
import type { Hands } from '../../namespaces/scripts.js';

/** The TAP of a network's device; nothing where it is not open. */
type TapOf = (network: string) => string | undefined;

interface Built extends RouterContents {
  /** By device name: the device as it was made, and the TAP it was made of. */
  readonly made: ReadonlyMap<string, string>;
}

/** Where a router's device is to stand; nothing for a device of another kind. */
export function routerOf(
  device: string,
): { readonly namespace: string; readonly ifname: string } | undefined {
  const [kind, router, network] = device.split('/');
  if (kind !== 'qr' || router === undefined || network === undefined) return undefined;
  return { namespace: routerNamespaceName(router), ifname: routerDeviceName(network) };
}

export class L3Agent {
  readonly #built = new Map<string, Built>();

  constructor(private readonly hands: Hands) {}

  /**
   * Builds the router's namespace, or what of it has changed. `tapOf` names the TAP of a network's
   * device; where it is not open, the device and its neighbours are left for the next time.
   */
  async build(router: RouterNamespace, tapOf: TapOf): Promise<void> {
    const before = this.#built.get(router.name);
    this.#built.delete(router.name);
    if (before === undefined) await this.hands.routerUp(router.name, router.sysctls);
    const made = await this.#buildDevices(router, tapOf, before?.made ?? new Map<string, string>());

    const devices = router.devices.filter(({ name }) => made.has(name));
    const neighbours = router.neighbours.filter(({ device }) => made.has(device));
    const oldNeighbours = before?.neighbours ?? await this.hands.neighbours(router.name);
    const oldRoutes = before?.routes ?? await this.hands.routes(router.name);
    const commands = [
      ...neighbourCommands(oldNeighbours, neighbours), ...routeCommands(oldRoutes, router.routes),
    ];
    // A failed line leaves nothing remembered: the next build reads what is there and tries again.
    if (commands.length > 0) await this.hands.batch(router.name, commands);
    this.#built.set(router.name, { made, devices, neighbours, routes: router.routes });
  }

  async #buildDevices(
    router: RouterNamespace, tapOf: TapOf, before: ReadonlyMap<string, string>,
  ): Promise<ReadonlyMap<string, string>> {
    const devices = new Map<string, string>();
    for (const device of router.devices) {
      const tap = tapOf(device.network);
      if (tap === undefined) continue;
      const made = textOf(device, tap);
      if (before.get(device.name) !== made) await this.hands.routerDeviceUp(router.name, tap, device);
      devices.set(device.name, made);
    }
    return devices;
  }

  /**
   * Holds every router against the kernel, one short command each, and forgets those that are not as they
   * were built: the next build mends them. Answers what was found, a sentence for each.
   */
  async look(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const [name, built] of [...this.#built]) {
      const difference = await this.#differenceOf(name, built);
      // Where it was built anew meanwhile, the look saw half of this and half of that.
      if (difference === undefined || this.#built.get(name) !== built) continue;
      this.#built.delete(name);
      found.push(`${name}: ${difference}`);
    }
    return found;
  }

  async #differenceOf(namespace: string, built: Built): Promise<string | undefined> {
    try {
      return differenceOf(built, await this.hands.look(namespace));
    } catch (error) {
      // Where there was no answer in time the machine has enough to do already.
      if (error instanceof DvrError && error.code === 'DVR_TIMEOUT') return undefined;
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Deletes one device; its descriptors have been closed before. */
  async removeDevice(namespace: string, device: string): Promise<void> {
    this.#built.delete(namespace);
    await this.hands.routerDeviceDown(namespace, device);
  }

  async remove(namespace: string): Promise<void> {
    this.#built.delete(namespace);
    await this.hands.routerDown(namespace);
  }

  /** Whatever was remembered of the namespace, or of all of them, is read from the kernel next time. */
  forget(namespace?: string): void {
    if (namespace === undefined) this.#built.clear();
    else this.#built.delete(namespace);
  }
}

const textOf = (device: RouterDevice, tap: string): string => JSON.stringify([tap, device]);
