/**
 * `npm run bench`: measures every peer in turns (rounds.ts) and says what came out, as text, JSON and plots.
 *
 * Exits 0 whatever the figures are, 1 if something could not be measured, 130 when interrupted. Runs inside
 * scripts/isolated (test/bench/run), which takes away whatever is left.
 */
import { writeFileSync } from 'node:fs';
import { readTopologyFile } from '../../src/model/topology.js';
import { readOptions, rowsOf, type Options } from './options.js';
import { defaultTopologyFile } from './peers/dvr.js';
import { pictureOf } from './picture.js';
import { runProgram } from './program.js';
import { reportText } from './report.js';
import { ratioLine, ratios, summaries, type Results } from './results.js';
import { Rounds } from './rounds.js';
import { writePlots } from './svg.js';
import { writeDocs } from './write-docs.js';

runProgram('bench', async (commands) => {
  const options = readOptions(process.argv.slice(2));
  if (rowsOf(options).length === 0) {
    throw new Error('--only matches no row; rows are named scenario/test, like routed/tcp-1');
  }
  const picture = pictureOf(readTopologyFile(defaultTopologyFile));
  const results = await new Rounds(options, commands, picture).run();
  publish(options, results);
  return results.failures.length > 0 ? 1 : 0;
});

function publish({ json, svg, writeDocs: isForDocs }: Options, results: Results): void {
  const all = summaries(results.repetitions);
  if (json !== undefined) {
    const whole = { ...results, summaries: all, ratios: ratios(all) };
    writeFileSync(json, `${JSON.stringify(whole, null, 1)}\n`);
  }
  if (svg !== undefined) writePlots(svg, all);
  if (isForDocs) writeDocs(results);
  console.log(reportText(results));
  console.log(ratioLine(ratios(all)));
}
