#!/usr/bin/env node
// Writes the files that are made from the pipeline table of native/pipeline/pipeline.hpp:
//   src/dataplane/pipeline.ts   stages, tables, drop reasons, counters as constants
//   docs/pipeline.md            the same for readers
// `--check` writes nothing and fails when a file on disk differs (test/unit/dataplane/builds.test.ts).
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const kMade = 'Made by scripts/dev/generate.mjs from native/pipeline/pipeline.hpp and native/tables/rows.hpp; do not edit.';

function typescript({ stages, tables, dropReasons, engineCounters }) {
  const block = (name, rows) => `export const ${name} = [\n${rows.map((row) => `  ${JSON.stringify(row)},`).join('\n')}\n] as const;`;
  return [
    `// ${kMade}`,
    '',
    '/** Every stage in packet order. */',
    block('stages', stages),
    '',
    '/** Every table; `id` is its number in a batch, key and value fields in encoding order. */',
    block('tables', tables),
    '',
    '/** Why a packet goes no further. */',
    block('dropReasons', dropReasons),
    '',
    '/** What the workers count of themselves. */',
    block('engineCounters', engineCounters),
    '',
    'export type StageName = (typeof stages)[number][\'name\'];',
    'export type TableName = (typeof tables)[number][\'name\'];',
    'export type DropReasonName = (typeof dropReasons)[number][\'name\'];',
    '',
  ].join('\n');
}

function markdown({ stages, tables, dropReasons, engineCounters }) {
  const fields = (list) => list.map((field) => `\`${field.name}\``).join(', ') || '–';
  return [
    '# The pipeline',
    '',
    `<!-- ${kMade} -->`,
    '',
    'Stages in packet order. A packet enters at `vxlan_decap` (from the tunnel) or `classify` (from a port) and falls downwards.',
    '',
    '| stage | bridge | what it does | goes to | reads | seed |',
    '|---|---|---|---|---|---|',
    ...stages.map((stage) => `| \`${stage.name}\` | ${stage.bridge} | ${stage.does} | ${stage.next.join(', ')} | ${stage.tables.join(', ')} | ${stage.seedSteps.join(', ')} |`),
    '',
    '## Tables',
    '',
    '| # | table | key | value | most rows |',
    '|---|---|---|---|---|',
    ...tables.map((table) => `| ${table.id} | \`${table.name}\` | ${fields(table.key)} | ${fields(table.value)} | ${table.limit} |`),
    '',
    '## Drop reasons',
    '',
    '| reason | meaning | where to look |',
    '|---|---|---|',
    ...dropReasons.map((reason) => `| \`${reason.name}\` | ${reason.sentence} | ${reason.hint} |`),
    '',
    '## Counters of the engine',
    '',
    'What the workers do around the pipeline. An optimisation is on while its number grows (`dvr counters`).',
    '',
    '| counter | what it counts |',
    '|---|---|',
    ...engineCounters.map((counter) => `| \`${counter.name}\` | ${counter.sentence} |`),
    '',
  ].join('\n');
}

function description() {
  const addon = process.env.DVR_ADDON ?? `${root}/build/Release/dvr_native.node`;
  return createRequire(import.meta.url)(addon).describe();
}

const described = description();
const files = { 'src/dataplane/pipeline.ts': typescript(described), 'docs/pipeline.md': markdown(described) };
const check = process.argv.includes('--check');
for (const [file, text] of Object.entries(files)) {
  if (!check) writeFileSync(`${root}/${file}`, text);
  else if (readFileSync(`${root}/${file}`, 'utf8') !== text) {
    console.error(`${file} differs from the native pipeline; run: node scripts/dev/generate.mjs`);
    process.exitCode = 1;
  }
}
