/**
 * A view as JSON, which is what is sent, and how long that is. All nodes of a network share its list of ports
 * (views.ts), which is nearly all of a view's text: it is written once and not once a node.
 */
import type { NetworkView, NodeView, PortView } from '../model/node-view.js';
import { remembered } from '../model/remembered.js';

type Unstamped = Omit<NodeView, 'generation'>;

export function viewText(view: Unstamped): string {
  const { networks, ...rest } = view;
  return withField(rest, 'networks', `[${networks.map(networkText).join(',')}]`);
}

/** How long the text is, without the stamp and without writing it. */
export const viewBytes = (view: Unstamped): number => lengthOf(view);

function networkText({ ports, ...rest }: NetworkView): string {
  return withField(rest, 'ports', portsText(ports));
}

const portsText = remembered((ports: readonly PortView[]) => JSON.stringify(ports));

/** The object, which has a field at least, with one field more that is JSON already. */
function withField(object: object, name: string, json: string): string {
  return `${JSON.stringify(object).slice(0, -1)},"${name}":${json}}`;
}

/** Of anything in a view: names and addresses, which are written as they are, so that a character is a byte. */
function jsonLength(value: unknown): number {
  if (typeof value === 'object' && value !== null) return lengthOf(value);
  return typeof value === 'string' ? value.length + 2 : String(value).length;
}

const lengthOf = remembered((value: object): number => {
  const isList = Array.isArray(value);
  const parts = isList
    ? value.map(jsonLength)
    : Object.entries(value).filter(([, field]) => field !== undefined)
      .map(([key, field]) => key.length + 3 + jsonLength(field));
  return parts.reduce((sum, length) => sum + length, 2 + Math.max(0, parts.length - 1));
});
