/**
 * The seed's "under the hood" view of a node: every stage in packet order, how many packets took which
 * way out of it, and the rows it looks things up in, with the names of things next to their numbers.
 * Pure: made of what the node answers to the calls counters, tables and ids.
 */
import { isIPv4 } from 'node:net';
import type { Counters, TableDump } from '../dataplane/interface.js';
import type { FieldDescription, PipelineDescription } from '../dataplane/native.js';
import type { NodeIds } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';
import { localVlanName, macName, named, namesOf, portName, routerName, type Names } from './names.js';

export interface NodeTables {
  readonly node: string;
  readonly stages: readonly StageTables[];
}

export interface StageTables {
  readonly stage: string;
  readonly bridge: string;
  readonly seedSteps: readonly string[];
  readonly does: string;
  readonly packets: number;
  readonly edges: readonly { readonly to: string; readonly packets: number }[];
  readonly tables: readonly NamedTable[];
}

/** Cells are text: "2 (green)". A table is shown once: at the stage it is of, or else the first to read it. */
export interface NamedTable {
  readonly table: string;
  readonly fields: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly shownAt?: string;
}

export interface NodeFacts {
  readonly view: NodeView;
  readonly ids: NodeIds;
  readonly counters: Counters;
  readonly tables: readonly TableDump[];
}

export const bridges = ['br-int', 'router', 'br-tun', 'br-ex'] as const;
export type Bridge = (typeof bridges)[number];

/** Tables keep IPv4 as mapped IPv6, so their prefix lengths count from these bits on. */
const kMappedBits = 96;

type Row = TableDump['rows'][number];

export function nodeTables(
  facts: NodeFacts, pipeline: PipelineDescription, bridge?: Bridge,
): NodeTables {
  const names = namesOf([facts.view]);
  const stages = pipeline.stages.filter((stage) => bridge === undefined || stage.bridge === bridge);
  const homes = homesOf(stages);
  return {
    node: facts.view.node.name,
    stages: stages.map((stage) => ({
      stage: stage.name, bridge: stage.bridge, seedSteps: stage.seedSteps, does: stage.does,
      packets: facts.counters.stages[stage.name] ?? 0,
      edges: stage.next.map((to) => ({
        to, packets: facts.counters.edges[`${stage.name}>${to}`] ?? 0,
      })),
      tables: stage.tables.map((table) => {
        const home = homes.get(table) ?? stage.name;
        const fields = fieldsOf(table, pipeline);
        const head = { table, fields: fields.map(({ name }) => name) };
        return home === stage.name
          ? { ...head, rows: namedRows(table, fields, facts, names) }
          : { ...head, rows: [], shownAt: home };
      }),
    })),
  };
}

/** Where a table is shown: at the first stage that names it first, or else at the first that reads it. */
function homesOf(stages: PipelineDescription['stages']): ReadonlyMap<string, string> {
  const homes = new Map<string, string>();
  for (const { name, tables: [own] } of stages) if (own !== undefined && !homes.has(own)) homes.set(own, name);
  for (const { name, tables } of stages) {
    for (const table of tables) if (!homes.has(table)) homes.set(table, name);
  }
  return homes;
}

function fieldsOf(table: string, pipeline: PipelineDescription): readonly FieldDescription[] {
  const description = pipeline.tables.find(({ name }) => name === table);
  return description === undefined ? [] : [...description.key, ...description.value];
}

function namedRows(
  table: string, fields: readonly FieldDescription[], { tables, ids }: NodeFacts, names: Names,
): string[][] {
  const rows = tables.find((dump) => dump.table === table)?.rows ?? [];
  const cells = rows.map((row) => fields.map((field) => cell(field, row, ids, names)));
  return cells.sort((a, b) => a.join(' ').localeCompare(b.join(' '), 'en', { numeric: true }));
}

function cell({ name, type }: FieldDescription, row: Row, ids: NodeIds, names: Names): string {
  const value = row[name];
  if (value === undefined) return '';
  const text = `${value}`;
  switch (type) {
    case 'mac': return named(text, macName(names, text));
    case 'ip': return ipCell(name, text, row, ids, names);
    case 'vni': return named(text, names.networkOfVni(Number(value))?.name);
    case 'local_vlan': return named(text, localVlanName(ids, Number(value)));
    case 'router': return value === 0 ? 'none' : named(text, routerName(ids, Number(value)));
    case 'port': return value === 0 ? 'none' : named(text, portName(ids, Number(value)));
    case 'u16': return name === 'prefix_bits' ? prefixBits(Number(value), row) : text;
    case 'bool': case 'port_kind': return text;
  }
}

function prefixBits(bits: number, row: Row): string {
  return `${isIPv4(`${row['ip'] ?? ''}`) ? bits - kMappedBits : bits}`;
}

function ipCell(field: string, ip: string, row: Row, ids: NodeIds, names: Names): string {
  if (ip === '') return field === 'vtep' ? 'this node' : 'any';
  if (field === 'next_hop') return named(ip, names.portOfIp(ip)?.name);
  return named(ip, field === 'vtep' ? names.nodeOfVtep(ip)?.name : ipName(ip, row, ids, names));
}

/** The same address may be on many networks: the row's own network decides, where the row has one. */
function ipName(ip: string, row: Row, ids: NodeIds, names: Names): string | undefined {
  const network = row['local_vlan'] === undefined
    ? undefined
    : localVlanName(ids, Number(row['local_vlan']));
  const port = names.portOfIp(ip, network)?.name;
  return port ?? names.routerOfIp(ip, network)?.router;
}
