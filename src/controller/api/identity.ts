/**
 * A stand-in for Keystone, for clients that insist on one (`--project`, gophercloud, Terraform). It
 * AUTHENTICATES NOBODY: whoever can reach the door gets a token, and no token is ever looked at. It says
 * where the Networking API is, and that every project a client names is one.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DEFAULT_PROJECT_ID } from './attributes/common.js';
import { addressOf, parameter } from './context.js';
import { rootOf } from './discovery.js';

const TOKEN = 'nobody-is-authenticated';
const DOMAIN = { id: 'default', name: 'Default', enabled: true, links: {} };
const REGION = 'RegionOne';
const TOKEN_LIFETIME_MS = 24 * 3_600_000;
/** As Keystone makes them, or as everybody else does. */
const projectIdPattern = /^(?:[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

export function addIdentity(app: FastifyInstance, now: () => Date): void {
  app.get('/identity', async (request, reply) => {
    return await reply.code(300).send({ versions: { values: [versionOf(request)] } });
  });
  app.get('/identity/v3', (request) => ({ version: versionOf(request) }));
  app.post('/identity/v3/auth/tokens', async (request, reply) => {
    return await reply.code(201).header('x-subject-token', TOKEN).send(tokenOf(request, now()));
  });
  app.get('/identity/v3/auth/tokens', async (request, reply) => {
    return await reply.header('x-subject-token', TOKEN).send(tokenOf(request, now()));
  });
  app.get('/identity/v3/auth/projects', () => ({ projects: [projectOf(DEFAULT_PROJECT_ID)], links: {} }));
  app.get('/identity/v3/projects', (request) => {
    const name = addressOf(request).searchParams.get('name');
    const known = projectOf(DEFAULT_PROJECT_ID);
    return { projects: name === null || name === known.name ? [known] : [], links: {} };
  });
  app.get('/identity/v3/projects/:id', async (request, reply) => {
    const id = parameter(request, 'id');
    if (projectIdPattern.test(id)) return { project: projectOf(id) };
    return await reply.code(404).send(keystoneError(404, `Could not find project: ${id}.`));
  });
  app.get('/identity/v3/domains', () => ({ domains: [DOMAIN], links: {} }));
  app.get('/identity/v3/domains/:id', () => ({ domain: DOMAIN }));
}

export function keystoneError(code: number, message: string): unknown {
  return { error: { code, message, title: code === 404 ? 'Not Found' : 'Error' } };
}

function versionOf(request: FastifyRequest): Readonly<Record<string, unknown>> {
  return {
    id: 'v3.14',
    status: 'stable',
    links: [{ rel: 'self', href: `${rootOf(request)}/identity/v3/` }],
    note: 'This identity service authenticates nobody: every request is allowed everything.',
  };
}

function projectOf(id: string): { readonly name: string } & Readonly<Record<string, unknown>> {
  const name = id === DEFAULT_PROJECT_ID ? 'admin' : id;
  return { id, name, domain_id: DOMAIN.id, enabled: true, is_domain: false, links: {} };
}

function tokenOf(request: FastifyRequest, at: Date): unknown {
  const domain = { id: DOMAIN.id, name: DOMAIN.name };
  const project = projectOf(DEFAULT_PROJECT_ID);
  return {
    token: {
      methods: ['password'],
      user: { id: DEFAULT_PROJECT_ID, name: 'admin', domain },
      project: { id: DEFAULT_PROJECT_ID, name: project.name, domain },
      roles: [{ id: 'admin', name: 'admin' }],
      issued_at: at.toISOString(),
      expires_at: new Date(at.getTime() + TOKEN_LIFETIME_MS).toISOString(),
      catalog: [
        serviceOf('identity', 'keystone', `${rootOf(request)}/identity`),
        // Without its version: gophercloud appends it.
        serviceOf('network', 'neutron', rootOf(request)),
      ],
    },
  };
}

function serviceOf(type: string, name: string, url: string): unknown {
  const endpoints = ['public', 'internal', 'admin'].map((face) => ({
    id: `${type}-${face}`,
    interface: face,
    region: REGION,
    region_id: REGION,
    url,
  }));
  return { id: type, type, name, endpoints };
}
