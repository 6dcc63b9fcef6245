/** The Networking API over the controller's own state, without processes: requests in, the next state out. */
import { inspect } from 'node:util';
import { fastify, type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify';
import type { ApiCommand } from '../../../../src/controller/api/writes.js';
import { MAX_PARAMETER_LENGTH } from '../../../../src/controller/api/limits.js';
import { addNetworkingApi, withoutSuffix } from '../../../../src/controller/api/networking-api.js';
import type { ControllerState } from '../../../../src/controller/intent.js';
import { collections } from '../../../../src/controller/resources/collections.js';
import { step, type Command } from '../../../../src/controller/state.js';
import { DvrError } from '../../../../src/model/errors.js';

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}
export type Resource = Readonly<Record<string, unknown>> & { readonly id: string };

export class RealApi {
  private readonly app: FastifyInstance;
  readonly commands: ApiCommand[] = [];
  /** Of its own mistakes, which no client is told. */
  readonly warnings: unknown[] = [];
  private nextId = 1;

  constructor(public state: ControllerState) {
    this.app = fastify({ rewriteUrl: ({ url = '/' }) => withoutSuffix(url), routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH } });
    const current = (): ControllerState => this.state;
    addNetworkingApi(this.app, {
      controller: {
        get state() { return current(); },
        execute: (command: ApiCommand) => { this.commands.push(command); this.run(command); },
      },
      collections,
      isConnected: () => true,
      now: () => new Date('2026-11-22T05:00:06.789Z'),
      newId: () => `00000000-0000-4000-8000-${String(this.nextId++).padStart(12, '0')}`,
    }, { info: () => {}, warn: (said: unknown) => { this.warnings.push(said); } } as never);
  }

  /** Any request, as it goes over the wire; without a prefix. */
  async inject(options: InjectOptions): Promise<LightMyRequestResponse> {
    return await this.app.inject({ ...options, headers: { host: '127.0.0.1:9696', ...options.headers } });
  }

  run(command: Command): void {
    const next = step(this.state, command, 'at' in command ? command.at : '2026-11-22T05:00:00Z');
    if (next instanceof DvrError) throw next;
    this.state = next.state;
  }

  async ask(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const options: InjectOptions = { method, url: `/v2.0${path}`, headers };
    const answer = await this.inject(body === undefined ? options : { ...options, payload: JSON.stringify(body) });
    if (answer.statusCode === 500) throw new Error(inspect(this.warnings));
    return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json<Record<string, unknown>>() };
  }

  /** Makes one, and gives it as the answer says it is. */
  async make(singular: string, fields: object, plural = `${singular}s`): Promise<Resource> {
    const { status, body } = await this.ask('POST', `/${plural}`, { [singular]: fields });
    if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body[singular] as Resource;
  }

  async list(plural: string, query = ''): Promise<readonly Resource[]> {
    return (await this.ask('GET', `/${plural}${query}`)).body[plural] as readonly Resource[];
  }

  async show(singular: string, id: string): Promise<Resource> {
    return (await this.ask('GET', `/${singular}s/${id}`)).body[singular] as Resource;
  }
}
