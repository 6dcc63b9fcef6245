/**
 * Attaching and detaching, as people wait for it: the intent is changed, the node's agent does it, and
 * the answer says how it went. What could not be plugged in is taken back, so that a failed attach
 * leaves nothing behind.
 */
import { DvrError } from '../model/errors.js';
import type { NodeReport } from '../model/node-view.js';
import type { Port } from '../model/resources.js';
import type { Controller } from './controller.js';
import { portOf } from './port-commands.js';
import type { AttachRequest } from './state.js';
import { isSwitchedOff } from './switched-on.js';

/** A guest's device is there in well under a second; the rest is patience with a loaded machine. */
export const ATTACH_WAIT_MS = 15_000;

export interface PlugOptions {
  readonly isConnected: (node: string) => boolean;
  readonly waitMs: number;
}

/**
 * @throws DvrError DVR_NODE_UNREACHABLE (nothing was changed), DVR_ATTACH_FAILED with the agent's words,
 * DVR_TIMEOUT, and what the command is refused with.
 */
export async function attach(
  controller: Controller,
  request: AttachRequest,
  options: PlugOptions,
): Promise<Port> {
  const before = controller.intent.ports.get(request.name);
  const target = request.node ?? before?.binding?.node ?? before?.node;
  if (target !== undefined && controller.intent.nodes.has(target))
    requireConnected(target, options);
  await controller.execute({ command: 'attachPort', ...request });
  const { binding } = portOf(controller.intent, request.name);
  if (binding === undefined)
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${request.name} was detached while it was being attached`,
      'attach it again',
    );
  // Nothing is plugged in before it is switched on; then it is, unasked.
  if (isSwitchedOff(controller.intent, request.name)) return portOf(controller.intent, request.name);
  try {
    await waitForReport(controller, binding.node, options, `port ${request.name}`, (report) => {
      if (report.generation < binding.boundAt) return false;
      const port = report.ports.find(({ name }) => name === request.name);
      if (port?.state !== 'error' && port?.state !== 'gone') return port?.state === 'up';
      throw attachFailed(request.name, binding.node, port.error ?? 'the namespace has vanished');
    });
    return portOf(controller.intent, request.name);
  } catch (error) {
    if (before?.binding?.boundAt !== binding.boundAt)
      await takeBack(controller, request.name, before, binding.boundAt);
    throw error;
  }
}

/**
 * Unbinds the port and waits until its device is gone.
 * @throws DvrError DVR_NOT_FOUND, DVR_NODE_UNREACHABLE (nothing was changed), DVR_TIMEOUT
 */
export async function detach(
  controller: Controller,
  name: string,
  options: PlugOptions,
): Promise<void> {
  const { binding } = portOf(controller.intent, name);
  if (binding !== undefined) requireConnected(binding.node, options);
  await unplug(controller, { command: 'detachPort', name }, options);
}

/** Deletes the port, also where its node is away: the agent takes the device away when it is back. */
export async function remove(
  controller: Controller,
  name: string,
  options: PlugOptions,
): Promise<void> {
  await unplug(controller, { command: 'deletePort', name }, options);
}

async function unplug(
  controller: Controller,
  command: { readonly command: 'detachPort' | 'deletePort'; readonly name: string },
  options: PlugOptions,
): Promise<void> {
  const { name } = command;
  const { binding } = portOf(controller.intent, name);
  await controller.execute(command);
  if (binding === undefined || !options.isConnected(binding.node)) return;
  const generation = controller.view(binding.node)?.generation ?? 0;
  await waitForReport(
    controller,
    binding.node,
    options,
    `port ${name} to go`,
    (report) =>
      report.generation >= generation &&
      !report.ports.some((port) => port.name === name && port.state !== 'gone'),
  );
}

/** Undoes an attach that failed, unless someone has plugged the port in anew meanwhile. */
async function takeBack(
  controller: Controller,
  name: string,
  before: Port | undefined,
  boundAt: number,
): Promise<void> {
  const port = controller.intent.ports.get(name);
  if (port === undefined || (port.binding !== undefined && port.binding.boundAt !== boundAt))
    return;
  await controller.execute(
    before === undefined ? { command: 'deletePort', name } : { command: 'detachPort', name },
  );
}

/** @throws DvrError DVR_NODE_UNREACHABLE */
export function requireConnected(node: string, options: PlugOptions): void {
  if (options.isConnected(node)) return;
  throw new DvrError(
    'DVR_NODE_UNREACHABLE',
    `no agent of node ${node} is connected; nothing was changed`,
    `start it: dvr agent --node ${node}`,
  );
}

function attachFailed(port: string, node: string, words: string): DvrError {
  return new DvrError(
    'DVR_ATTACH_FAILED',
    `port ${port} could not be attached on ${node}: ${words}`,
    'mend that and attach again; nothing is left behind',
  );
}

/** Resolves when a report of the node, the one at hand or one to come, is what is waited for. */
export function waitForReport(
  controller: Controller,
  node: string,
  options: PlugOptions,
  what: string,
  isDone: (report: NodeReport) => boolean,
): Promise<void> {
  const { waitMs } = options;
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      stop();
      settle();
    };
    const look = (report: NodeReport | undefined): void => {
      if (report?.node !== node) return;
      try {
        if (isDone(report)) finish(resolve);
      } catch (error) {
        finish(() => reject(error as Error));
      }
    };
    const timer = setTimeout(
      () =>
        finish(() =>
          reject(
            new DvrError(
              'DVR_TIMEOUT',
              `waited ${waitMs / 1000} s for node ${node}: ${what}`,
              `see dvr status and the log of the agent of ${node}`,
            ),
          ),
        ),
      waitMs,
    );
    const stop = controller.listen({ report: look });
    look(controller.state.reports.get(node));
  });
}
