import { describe, expect, it } from 'vitest';
import { tables } from '../../../../src/controller/api/attributes/tables.js';
import type { ApiResource } from '../../../../src/controller/api/collection.js';
import { notFound } from '../../../../src/controller/api/faults.js';
import { listed } from '../../../../src/controller/api/pages.js';
import { parseQuery, selected } from '../../../../src/controller/api/query.js';

const port = (id: string, more: object): ApiResource => ({ id, name: '', tags: [], status: 'DOWN', ...more });
const fixed = (ip: string, subnet: string): object => ({ ip_address: ip, subnet_id: subnet });

const ports = [
  port('a', { name: 'web', mac_address: 'fa:16:3e:00:00:0a', admin_state_up: true, tags: ['red', 'blue'], revision_number: 10,
    fixed_ips: [fixed('10.1.0.11', 's1'), fixed('10.2.0.11', 's2')], updated_at: '2026-11-22T05:00:00Z' }),
  port('b', { name: 'db', mac_address: 'fa:16:3e:00:00:0b', admin_state_up: false, tags: ['red'], revision_number: 9,
    fixed_ips: [fixed('10.1.0.12', 's1')], updated_at: '2026-11-22T06:00:00Z' }),
  port('c', { name: '', mac_address: 'fa:16:3e:00:00:0c', admin_state_up: true, revision_number: 2,
    fixed_ips: [fixed('10.2.0.13', 's2')], updated_at: '2026-11-22T07:00:00Z' }),
];

function ask(query: string, all = ports): { readonly ids: string; readonly links: readonly string[] } {
  const at = new URL(`http://127.0.0.1:9696/v2.0/ports?${query}`);
  const find = (id: string): ApiResource => {
    const one = all.find((candidate) => candidate.id === id);
    if (one === undefined) throw notFound('port', id);
    return one;
  };
  const { rows, links } = listed(all, parseQuery(tables.ports, at.searchParams), find, at);
  return { ids: rows.map(({ id }) => id).join(''), links: links.map(({ rel, href }) => `${rel} ${href.slice(at.origin.length)}`) };
}

describe('filters of a list', () => {
  it.each([
    ['', 'abc'],
    ['name=web', 'a'],
    ['name=Web', ''],
    ['name=web&name=db', 'ab'],
    ['name=web&status=ACTIVE', ''],
    ['name=', 'c'],
    ['admin_state_up=True', 'ac'],
    ['admin_state_up=off', 'b'],
    ['mac_address=FA:16:3E:00:00:0B', 'b'],
    ['revision_number=9', 'b'],
    ['fixed_ips=ip_address=10.1.0.12', 'b'],
    ['fixed_ips=subnet_id=s1', 'ab'],
    ['fixed_ips=subnet_id=s1&fixed_ips=ip_address=10.1.0.11', 'a'],
    ['fixed_ips=subnet_id=s1&fixed_ips=ip_address=10.2.0.11', ''],
    ['fixed_ips=ip_address=10.1.0.11&fixed_ips=ip_address=10.1.0.12', 'ab'],
    ['fixed_ips=ip_address_substr=.0.1', 'abc'],
    ['fixed_ips=ip_address_substr=.13', 'c'],
    ['tags=red', 'ab'],
    ['tags=red,blue', 'a'],
    ['tags-any=blue,green', 'a'],
    ['not-tags=red,blue', 'bc'],
    ['not-tags-any=red,blue', 'c'],
    ['changed_since=2026-11-22T06:00:00', 'bc'],
    ['binding:host_id=', 'abc'],
  ])('find by %s the ports %s', (query, ids) => {
    expect(ask(query).ids).toBe(ids);
  });
});

describe('the order of a list', () => {
  it.each([
    ['sort_key=name&sort_dir=asc', 'cba'],
    ['sort_key=name&sort_dir=desc', 'abc'],
    ['sort_key=revision_number&sort_dir=asc', 'cba'],
    ['sort_key=admin_state_up&sort_dir=desc&sort_key=id&sort_dir=desc', 'cab'],
  ])('is by %s: %s', (query, ids) => {
    expect(ask(query).ids).toBe(ids);
  });

  it('leaves what the controller keeps as it was', () => {
    ask('sort_key=name&sort_dir=asc');
    expect(ports.map(({ id }) => id).join('')).toBe('abc');
  });
});

describe('pages', () => {
  it('follow each other to the end, and back', () => {
    expect(ask('limit=2&fields=id')).toEqual({
      ids: 'ab', links: ['next /v2.0/ports?limit=2&fields=id&marker=b', 'previous /v2.0/ports?limit=2&fields=id&marker=a&page_reverse=True'],
    });
    expect(ask('limit=2&marker=b')).toEqual({ ids: 'c', links: ['previous /v2.0/ports?limit=2&marker=c&page_reverse=True'] });
    expect(ask('limit=2&marker=c')).toEqual({ ids: '', links: [] });
    expect(ask('limit=2&marker=c&page_reverse=True').ids).toBe('ab');
    expect(ask('limit=1&marker=c&page_reverse=True').ids).toBe('b');
  });

  it('have no links where no limit was asked for', () => {
    expect(ask('limit=0')).toEqual({ ids: 'abc', links: [] });
  });

  it('begin behind a marker that does not pass the filter itself', () => {
    expect(ask('name=&limit=5&marker=a').ids).toBe('c');
  });

  it('meet every resource once, in any order', () => {
    for (const order of ['', '&sort_key=status&sort_dir=desc', '&sort_key=name&sort_dir=asc']) {
      const seen: string[] = [];
      for (let marker = ''; seen.length <= ports.length;) {
        const { ids } = ask(`limit=1${order}${marker}`);
        if (ids === '') break;
        seen.push(ids);
        marker = `&marker=${ids}`;
      }
      expect(seen.sort().join('')).toBe('abc');
    }
  });
});

describe('fields', () => {
  it('are those that were asked for, unknown ones passed over', () => {
    expect(selected({ id: 'a', name: 'web' }, ['name', 'security_group_ids'])).toEqual({ name: 'web' });
    expect(selected({ id: 'a', name: 'web' }, [])).toEqual({ id: 'a', name: 'web' });
  });
});
