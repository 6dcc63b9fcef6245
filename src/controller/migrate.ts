/**
 * Migrating a port, as people wait for it: prepared is when the other node has all it needs, finished when every
 * connected node that must know has applied it. Whoever moves the guest stops it, finishes, and lets it go on there.
 */
import { DvrError } from '../model/errors.js';
import type { Migration, Port } from '../model/resources.js';
import { requireConnected, waitForReport, type PlugOptions } from './attach.js';
import type { Controller } from './controller.js';
import type { MigratePort } from './migrations.js';
import { portOf } from './port-commands.js';

/**
 * What could not be prepared is given up, so that nothing is left behind.
 * @throws DvrError DVR_NODE_UNREACHABLE (nothing was changed), DVR_ATTACH_FAILED with the agent's words, DVR_TIMEOUT
 */
export async function prepareMigration(
  controller: Controller,
  request: Extract<MigratePort, { step: 'prepare' }>,
  options: PlugOptions,
): Promise<Port> {
  const { name, to } = request;
  const before = controller.intent.ports.get(name)?.binding?.migration;
  if (controller.intent.nodes.has(to)) requireConnected(to, options);
  await controller.execute(request);
  const migration = portOf(controller.intent, name).binding?.migration;
  if (migration === undefined)
    throw new DvrError('DVR_CONFLICT', `the migration of port ${name} was ended while it was prepared`, 'begin anew');
  try {
    await waitForReport(controller, to, options, `port ${name} to be ready there`, (report) => {
      if (report.generation < migration.boundAt) return false;
      const port = report.ports.find((one) => one.name === name);
      if (port?.state === 'error' || port?.state === 'gone') throw notReady(name, to, port.error);
      return migration.attachment === undefined || port?.state === 'up';
    });
  } catch (error) {
    if (before?.boundAt !== migration.boundAt) await giveUp(controller, name, migration);
    throw error;
  }
  return portOf(controller.intent, name);
}

/** @throws DvrError DVR_TIMEOUT names a node that has not applied it; the port has moved all the same. */
export async function finishMigration(controller: Controller, name: string, options: PlugOptions): Promise<Port> {
  const nodes = [...controller.intent.nodes.keys()];
  const before = new Map(nodes.map((node) => [node, controller.view(node)?.generation]));
  await controller.execute({ command: 'migratePort', name, step: 'finish' });
  const told = nodes.flatMap((node) => {
    const generation = controller.view(node)?.generation ?? 0;
    return generation === before.get(node) || !options.isConnected(node) ? [] : [{ node, generation }];
  });
  await Promise.all(told.map(async ({ node, generation }) => {
    await waitForReport(controller, node, options, `the move of port ${name}`, (report) => report.generation >= generation);
  }));
  return portOf(controller.intent, name);
}

/** Gives up what is still the same migration. */
async function giveUp(controller: Controller, name: string, { boundAt }: Migration): Promise<void> {
  const migration = controller.intent.ports.get(name)?.binding?.migration;
  if (migration?.boundAt === boundAt) await controller.execute({ command: 'migratePort', name, step: 'abort' });
}

function notReady(port: string, node: string, words = 'the namespace has vanished'): DvrError {
  return new DvrError(
    'DVR_ATTACH_FAILED',
    `port ${port} could not be prepared on ${node}: ${words}`,
    'mend that and migrate again; the port is where it was',
  );
}
