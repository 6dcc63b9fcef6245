/**
 * A view as JSON: what is sent, and what two views are compared by. All nodes of a network share its list of
 * ports (views.ts), which is nearly all of a view's text: it is written once and not once a node.
 */
import type { NetworkView, NodeView, PortView } from '../model/node-view.js';

const portsText = new WeakMap<readonly PortView[], string>();

export function viewText(view: Omit<NodeView, 'generation'>): string {
  const { networks, ...rest } = view;
  return withField(rest, 'networks', `[${networks.map(networkText).join(',')}]`);
}

function networkText({ ports, ...rest }: NetworkView): string {
  const known = portsText.get(ports);
  const text = known ?? JSON.stringify(ports);
  if (known === undefined) portsText.set(ports, text);
  return withField(rest, 'ports', text);
}

/** The object, which has a field at least, with one field more that is JSON already. */
function withField(object: object, name: string, json: string): string {
  return `${JSON.stringify(object).slice(0, -1)},"${name}":${json}}`;
}
