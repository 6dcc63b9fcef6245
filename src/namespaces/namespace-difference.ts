/**
 * All that is otherwise in a namespace of ours than it is to be, a line each: pure. namespace-facts.ts says only whether
 * there is something, for whoever mends it; this is for people.
 */
import type { Difference } from '../model/node-difference.js';
import type { DeviceFacts, NamespaceFacts } from './namespace-facts.js';
import {
  neighbourCommands, routeCommands, ruleCommands, type Namespace, type NamespaceDevice,
} from './namespace.js';

/** Names that we give to devices; others are somebody else's. */
const kOurDevice = /^(qr|sg|qg|fg|rfp|fpr)-/;
const isOfLink = (address: string): boolean => address.startsWith('fe80:');

/** @param nft what nft listed right after the table was made; nothing: that is not known. */
export function namespaceDifferences(
  wanted: Namespace, nft: string | undefined, found: NamespaceFacts,
): Difference[] {
  const where = wanted.name;
  const commands = [
    ...neighbourCommands(found.neighbours, wanted.neighbours), ...routeCommands(found.routes, wanted.routes),
    ...ruleCommands(found.rules, wanted.rules),
  ];
  return [
    ...wanted.devices.flatMap((device) => deviceDifferences(device, found.devices.find(({ name }) => name === device.name))),
    ...found.devices.filter(({ name }) => kOurDevice.test(name) && !wanted.devices.some((device) => device.name === name))
      .map(({ name }) => surplus(`device ${name}`)),
    ...commands.map(commandDifference),
    ...(nft === undefined || nft === found.nft ? [] : nftDifferences(nft, found.nft)),
  ].map((difference) => ({ where, ...difference }));
}

type Found = Omit<Difference, 'where'>;
const missing = (what: string): Found => ({ kind: 'missing', what });
const surplus = (what: string): Found => ({ kind: 'surplus', what });

function deviceDifferences(wanted: NamespaceDevice, found: DeviceFacts | undefined): Found[] {
  const { name } = wanted;
  if (found === undefined) return [missing(`device ${name}`)];
  return [
    ...(found.isUp ? [] : [missing(`device ${name} up`)]),
    ...(found.mac === wanted.mac ? [] : [missing(`device ${name} with MAC ${wanted.mac}: it has ${found.mac}`)]),
    ...(found.mtuBytes === wanted.mtuBytes ? []
      : [missing(`device ${name} with MTU ${String(wanted.mtuBytes)}: it has ${String(found.mtuBytes)}`)]),
    ...wanted.addresses.filter((address) => !found.addresses.includes(address))
      .map((address) => missing(`address ${address} on ${name}`)),
    ...found.addresses.filter((address) => !isOfLink(address) && !wanted.addresses.includes(address))
      .map((address) => surplus(`address ${address} on ${name}`)),
  ];
}

/** What `ip -batch` would do to mend it says what is wrong: all but its verb. */
function commandDifference(line: string): Found {
  const words = line.split(' ');
  const at = words.findIndex((word) => ['replace', 'add', 'del'].includes(word));
  const what = words.toSpliced(at, 1).join(' ').replace(/^neigh /, 'neighbour ').replace(/ proto(col)? \d+$/, '');
  return words[at] === 'del' ? surplus(what) : missing(what);
}

/** Line by line, as nft lists it: a rule that is gone has its line. */
function nftDifferences(wanted: string, found: string): Found[] {
  const linesOf = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter((line) => /[^{}]/.test(line));
  const [before, now] = [linesOf(wanted), linesOf(found)];
  const lines = [
    ...before.filter((line) => !now.includes(line)).map((line) => missing(`nft ${line}`)),
    ...now.filter((line) => !before.includes(line)).map((line) => surplus(`nft ${line}`)),
  ];
  return lines.length > 0 ? lines : [missing('nft table in its order: its lines stand otherwise')];
}
