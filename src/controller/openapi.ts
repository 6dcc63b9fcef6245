/** The OpenAPI document of /dvr/v1, made from the table of its routes (routes.ts). Pure. */

export interface RouteDescription {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the prefix; a part in braces is a name. */
  readonly path: string;
  readonly summary: string;
  readonly body?: Body;
}

/** What a request has in its body: an object with these properties and no others, or a text of YAML. */
export interface Body {
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly isText?: true;
}

type Json = Readonly<Record<string, unknown>>;

export function openApi(prefix: string, routes: readonly RouteDescription[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const operations = (paths[prefix + route.path] ??= {});
    operations[route.method.toLowerCase()] = operationOf(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'dvr',
      version: '1',
      description:
        "What OpenStack's Networking API (/v2.0) has no word for. Answers are JSON, faults are RFC 9457 problems.",
    },
    paths,
    components: { schemas: { Problem: problem } },
  };
}

function operationOf({ summary, path, body }: RouteDescription): Json {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  return {
    summary,
    ...(names.length === 0 ? {} : { parameters: names.map(parameterOf) }),
    ...(body === undefined ? {} : { requestBody: requestBodyOf(body) }),
    responses: {
      200: { description: 'done, with an answer', content: { 'application/json': {} } },
      204: { description: 'done, with nothing to say' },
      default: {
        description: 'refused, with the reason; nothing has changed',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  };
}

const parameterOf = (name: string | undefined): Json => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string' },
});

function requestBodyOf({ properties, required = [], isText }: Body): Json {
  if (isText === true)
    return { required: true, content: { 'text/yaml': { schema: { type: 'string' } }, 'application/json': {} } };
  const schema = { type: 'object', properties, required, additionalProperties: false };
  return { required: required.length > 0, content: { 'application/json': { schema } } };
}

const problem: Json = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'what is wrong, with its value' },
    code: { type: 'string', description: 'the kind of error, the same in every version' },
    hint: { type: 'string', description: 'what to do next' },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'hint'],
};
