/** What the entries of the store hold of what the API says of the resources, and of who may have how many. */
import { quotaResources, type Quotas } from '../api/writes.js';
import type { ResourceRecord } from '../records.js';
import { kinds } from '../resource-index.js';
import type { Item } from './item.js';

export function decodeRecord(item: Item): ResourceRecord {
  return {
    id: item.field('id').text(),
    kind: item.field('kind').oneOf(kinds),
    key: item.field('key').text(),
    name: item.field('name').text(),
    description: item.field('description').text(),
    projectId: item.field('projectId').text(),
    tags: item.field('tags').items().map((tag) => tag.text()),
    createdAt: item.field('createdAt').text(),
    updatedAt: item.field('updatedAt').text(),
    revision: item.field('revision').count(),
    byClient: item.field('byClient').boolean(),
    stored: item.field('stored').record(),
  };
}

export function decodeQuotas(item: Item): Quotas {
  return Object.fromEntries(
    quotaResources.flatMap((resource) => {
      const limit = item.optional(resource);
      // -1: as many as it likes.
      return limit === undefined ? [] : [[resource, limit.value === -1 ? -1 : limit.count()]];
    }),
  );
}
