/** The Networking API over resources that are what was sent: for what is HTTP's alone. */
import { randomUUID } from 'node:crypto';
import { fastify, type FastifyInstance } from 'fastify';
import type { AttributeTable, Json } from '../../../../src/controller/api/attribute.js';
import { tables } from '../../../../src/controller/api/attributes/tables.js';
import type { ApiResource, Collection } from '../../../../src/controller/api/collection.js';
import type { ApiContext } from '../../../../src/controller/api/context.js';
import { notFound } from '../../../../src/controller/api/faults.js';
import { MAX_PARAMETER_LENGTH } from '../../../../src/controller/api/limits.js';
import { addNetworkingApi, withoutSuffix } from '../../../../src/controller/api/networking-api.js';
import type { ApiCommand } from '../../../../src/controller/api/writes.js';
import { emptyState } from '../../../../src/controller/intent.js';

type Kept = Record<string, Json> & { id: string };

export class MemoryApi {
  readonly kept: Record<'networks' | 'subnets' | 'ports' | 'routers' | 'floatingips', Kept[]> =
    { networks: [], subnets: [], ports: [], routers: [], floatingips: [] };
  readonly commands: ApiCommand[] = [];
  readonly warnings: unknown[] = [];
  readonly app: FastifyInstance;

  constructor() {
    this.app = fastify({ rewriteUrl: ({ url = '/' }) => withoutSuffix(url), routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH } });
    addNetworkingApi(this.app, this.context(), { info: () => {}, warn: (said: unknown) => { this.warnings.push(said); } } as never);
  }

  private context(): ApiContext {
    const of = (plural: keyof MemoryApi['kept']): Collection => ({
      list: () => this.kept[plural],
      find: (_state, id) => this.kept[plural].find((one) => one.id === id),
    });
    return {
      controller: { state: emptyState, execute: (command) => { this.commands.push(command); this.apply(command); } },
      collections: {
        networks: of('networks'), subnets: of('subnets'), ports: of('ports'), routers: of('routers'), floatingips: of('floatingips'),
        port_forwardings: { list: () => undefined },
      },
      isConnected: () => true,
      now: () => new Date('2026-11-22T05:00:06.789Z'),
      newId: randomUUID,
    };
  }

  private apply(command: ApiCommand): void {
    if (command.write === 'setTags' || command.write === 'addTag' || command.write === 'removeTag') {
      const one = this.find(command.of, command.id);
      const old = one['tags'] as readonly string[];
      one['tags'] = command.write === 'setTags' ? command.tags
        : command.write === 'addTag' ? [...old, command.tag] : old.filter((tag) => tag !== command.tag);
      return;
    }
    if (!('of' in command) || command.of === 'port_forwardings') return;
    const rows = this.kept[command.of];
    if (command.write === 'create')
      rows.push(...command.items.map(({ id, values }) => blank(tables[command.of as 'networks'], { ...(values as object), id }) as Kept));
    else if (command.write === 'update') Object.assign(this.find(command.of, command.id), command.values);
    else rows.splice(rows.indexOf(this.find(command.of, command.id)), 1);
  }

  private find(of: keyof MemoryApi['kept'], id: string): Kept {
    const one = this.kept[of].find((row) => row.id === id);
    if (one === undefined) throw notFound(of.slice(0, -1) as 'network', id);
    return one;
  }
}

function blank(table: AttributeTable, values: object): ApiResource {
  const shown = Object.entries(table).filter(([, { visible }]) => visible).map(([key]) => [key, key === 'tags' ? [] : null]);
  return { ...Object.fromEntries(shown), ...values } as ApiResource;
}
