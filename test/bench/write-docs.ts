/** Puts a run's report into docs/performance.md, between its markers: figures there come from a run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { root } from './commands.js';
import { reportText } from './report.js';
import type { Results } from './results.js';

const kFile = `${root}docs/performance.md`;
const kBegin = '<!-- figures: written by `npm run bench -- --write-docs`, do not edit -->';
const kEnd = '<!-- end of figures -->';

export function writeDocs(results: Results): void {
  writeFileSync(kFile, withFigures(readFileSync(kFile, 'utf8'), reportText(results)));
}

/** @throws if the document has lost its markers. */
export function withFigures(document: string, figures: string): string {
  const begin = document.indexOf(kBegin);
  const end = document.indexOf(kEnd);
  if (begin < 0 || end < begin) {
    throw new Error(`docs/performance.md needs the lines "${kBegin}" and "${kEnd}", in this order`);
  }
  return `${document.slice(0, begin + kBegin.length)}\n\n${figures}\n\n${document.slice(end)}`;
}
