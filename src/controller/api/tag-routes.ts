/** Tags of any resource: all at once, or one by one. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiResource } from './collection.js';
import { addPath, parameter, write, type ApiContext } from './context.js';
import { invalidInput, NeutronFault } from './faults.js';
import { MAX_TEXT_LENGTH, keysOf } from './kinds/plain.js';
import { MAX_TAGS } from './limits.js';
import { pythonText } from './python-text.js';
import type { TaggedPlural } from './writes.js';

export function addTags(app: FastifyInstance, api: ApiContext, of: TaggedPlural): void {
  const tagsOf = (request: FastifyRequest): readonly unknown[] => {
    const id = parameter(request, 'id');
    const resource: ApiResource | undefined = api.collections[of].find(api.controller.state, id);
    if (resource === undefined)
      throw new NeutronFault('TagResourceNotFound', `Resource ${of} ${id} could not be found.`);
    const tags = resource['tags'];
    return Array.isArray(tags) ? tags : [];
  };
  const replace = async (request: FastifyRequest, tags: readonly string[]): Promise<void> => {
    tagsOf(request);
    await write(api, request, { write: 'setTags', of, id: parameter(request, 'id'), tags });
  };
  addPath(app, `/${of}/:id/tags`, {
    GET: (request) => ({ tags: tagsOf(request) }),
    PUT: async (request) => {
      await replace(request, tagsIn(request.body));
      return { tags: tagsOf(request) };
    },
    DELETE: async (request, reply) => {
      await replace(request, []);
      return await reply.code(204).send();
    },
  });
  addPath(app, `/${of}/:id/tags/:tag`, {
    GET: async (request, reply) => {
      refuseUnknownTag(tagsOf(request), parameter(request, 'tag'));
      return await reply.code(204).send();
    },
    PUT: async (request, reply) => {
      const [id, tag] = [parameter(request, 'id'), tagOf(parameter(request, 'tag'))];
      const tags = tagsOf(request);
      if (!tags.includes(tag) && tags.length >= MAX_TAGS) throw tooMany(tags.length + 1);
      await write(api, request, { write: 'addTag', of, id, tag });
      return await reply.code(201).type('application/json').send('null');
    },
    DELETE: async (request, reply) => {
      const [id, tag] = [parameter(request, 'id'), parameter(request, 'tag')];
      refuseUnknownTag(tagsOf(request), tag);
      await write(api, request, { write: 'removeTag', of, id, tag });
      return await reply.code(204).send();
    },
  });
}

function tagsIn(body: unknown): readonly string[] {
  const { tags } = keysOf(body, 'tags', ['tags']);
  if (!Array.isArray(tags)) throw invalidInput(`'${pythonText(tags)}' is not a list`);
  if (tags.length > MAX_TAGS) throw tooMany(tags.length);
  const texts = tags.map(tagOf);
  const twice = texts.find((tag, at) => texts.indexOf(tag) !== at);
  if (twice !== undefined) throw invalidInput(`Duplicate items in the list: '${twice}'`);
  return texts;
}

function tagOf(tag: unknown): string {
  if (typeof tag !== 'string' || tag === '' || tag.includes('\0'))
    throw invalidInput(`'${pythonText(tag)}' is not a valid string`);
  if ([...tag].length > MAX_TEXT_LENGTH)
    throw invalidInput(`'${pythonText(tag)}' exceeds maximum length of ${MAX_TEXT_LENGTH}`);
  return tag;
}

const tooMany = (count: number): NeutronFault =>
  invalidInput(`${count} tags are asked for; a resource has at most ${MAX_TAGS}`);

function refuseUnknownTag(tags: readonly unknown[], tag: string): void {
  if (!tags.includes(tag))
    throw new NeutronFault('TagNotFound', `Tag ${tag} could not be found.`);
}
