/**
 * Fetches a page as often as asked, over a TCP connection of its own each time, and counts who the server
 * says it was.
 *
 *     node fetch-many.mjs ADDRESS COUNT
 *
 * Prints {"asked", "answered", "visitors": {ADDRESS: COUNT}}.
 */
import { get } from 'node:http';

/** As many at a time: more only wait for each other on two cores. */
const kAtOnce = 20;
const kTimeoutMs = 10_000;

const [address, text] = process.argv.slice(2);
const count = Number(text);
const visitors = {};
let started = 0;
let answered = 0;

const fetchOne = () => new Promise((resolve) => {
  const asked = get({ host: address, path: '/', agent: false, timeout: kTimeoutMs }, (answer) => {
    let page = '';
    answer.on('data', (chunk) => { page += chunk; });
    answer.on('end', () => {
      const visitor = /you are (\S+)/.exec(page)?.[1];
      if (visitor !== undefined) {
        answered += 1;
        visitors[visitor] = (visitors[visitor] ?? 0) + 1;
      }
      resolve();
    });
  });
  asked.on('timeout', () => { asked.destroy(); });
  // A connection that fails is one that was not answered; the counts say so.
  asked.on('error', () => { resolve(); });
});

async function keepFetching() {
  while (started < count) {
    started += 1;
    await fetchOne();
  }
}

await Promise.all(Array.from({ length: kAtOnce }, keepFetching));
console.log(JSON.stringify({ asked: count, answered, visitors }));
