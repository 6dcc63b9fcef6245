/** The part of /dvr/v1 that moves ports between nodes. */
import { parseMigration } from './api-input.js';
import type { PlugOptions } from './attach.js';
import type { Controller } from './controller.js';
import { finishMigration, prepareMigration } from './migrate.js';
import type { Body } from './openapi.js';
import { portOf } from './port-commands.js';
import type { Route } from './routes.js';
import { portStatus } from './status.js';

const body: Body = {
  properties: {
    node: { type: 'string', description: 'where it is to go' },
    netns: { type: 'string', description: 'path of a network namespace there; this, pid or dev, or none of them yet' },
    pid: { type: 'integer', description: 'a process in the network namespace' },
    dev: { type: 'string', description: 'a device that the node has already' },
    ifname: { type: 'string', description: 'what the device is called inside; eth0' },
  },
  required: ['node'],
};

/** @param port the name of the port that a text names. */
export function migrationRoutes(controller: Controller, plug: PlugOptions, port: (text: string) => string): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/ports/{name}/migration',
      summary: 'Prepares a node for the port: its networks, routers and device; traffic stays where it is',
      body,
      run: async ({ name, body: asked }) =>
        portStatus(controller, await prepareMigration(controller, parseMigration(port(name), asked), plug)),
    },
    {
      method: 'POST',
      path: '/ports/{name}/migration/finish',
      summary: 'Moves the port to the node that is prepared, and answers when every connected node knows',
      run: async ({ name }) => portStatus(controller, await finishMigration(controller, port(name), plug)),
    },
    {
      method: 'DELETE',
      path: '/ports/{name}/migration',
      summary: 'Leaves the port where it is',
      run: async ({ name: text }) => {
        const name = port(text);
        await controller.execute({ command: 'migratePort', name, step: 'abort' });
        return portStatus(controller, portOf(controller.intent, name));
      },
    },
  ];
}
