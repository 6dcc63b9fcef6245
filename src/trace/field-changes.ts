/** What differs between two pictures of a frame, field by field, with the names of things. */
import type { Frame } from './frame.js';
import { macName, named, type Names } from './names.js';
import type { FieldChange } from './walk-model.js';

export function macChanges(
  start: Frame | undefined, end: Frame | undefined, names: Names,
): FieldChange[] {
  if (start === undefined || end === undefined) return [];
  const mac = (field: string, before: string, after: string): FieldChange[] =>
    changed(field, named(before, macName(names, before)), named(after, macName(names, after)));
  return [
    ...mac('source MAC', start.srcMac, end.srcMac),
    ...mac('destination MAC', start.dstMac, end.dstMac),
  ];
}

export function ttlChange(start: Frame | undefined, end: Frame | undefined): FieldChange[] {
  const [before, after] = [start?.ip?.ttl, end?.ip?.ttl];
  return before === undefined || after === undefined ? [] : changed('TTL', `${before}`, `${after}`);
}

/** What address translation did to the packet. */
export function natChanges(start: Frame | undefined, end: Frame | undefined, names: Names): FieldChange[] {
  const [before, after] = [start?.ip, end?.ip];
  if (before === undefined || after === undefined) return [];
  const name = (ip: string): string => named(ip, names.outsideAddress(ip)?.what ?? names.portOfIp(ip)?.name);
  return [
    ...changed('source', name(before.src), name(after.src)),
    ...changed('destination', name(before.dst), name(after.dst)),
  ];
}

export function changed(field: string, before: string, after: string): FieldChange[] {
  return before === after ? [] : [{ field, before, after }];
}
