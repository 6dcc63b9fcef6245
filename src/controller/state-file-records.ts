/** What the API says of the resources, in the state file. */
import { placeOf, type Records, type ResourceRecord } from './records.js';
import { kinds } from './resource-index.js';
import type { Item } from './state-item.js';

export const encodeRecords = (records: Records): readonly ResourceRecord[] => [...records.values()];

export const decodeRecords = (root: Item): Records =>
  new Map(root.itemsOf('records').map(decodeRecord).map((record) => [placeOf(record.kind, record.key), record]));

export function decodeRecord(item: Item): ResourceRecord {
  return {
    id: item.field('id').text(),
    kind: item.field('kind').oneOf(kinds),
    key: item.field('key').text(),
    name: item.field('name').text(),
    description: item.field('description').text(),
    projectId: item.field('projectId').text(),
    tags: item.itemsOf('tags').map((tag) => tag.text()),
    createdAt: item.field('createdAt').text(),
    updatedAt: item.field('updatedAt').text(),
    revision: item.field('revision').count(),
    stored: item.field('stored').record(),
  };
}
