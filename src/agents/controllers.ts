/**
 * All controllers at once: what one of them says is enough, and each hears everything. So that one is gone is no
 * news for the node, and nobody has to find another.
 *
 * A view is a function of what the controllers keep in common, and its generation counts the changes of that: the newest
 * one counts, whoever says it, and two of one generation say the same.
 */
import type { WebSocket } from 'ws';
import type { AnnouncedAddress } from '../model/node-call.js';
import type { NodeReport, NodeView } from '../model/node-view.js';
import { applyDelta, diffView } from '../model/view-delta.js';
import { controllerClient, type ControllerClientParts } from './controller-client.js';

export interface ControllerAddress {
  /** `unix:PATH` or `IP:PORT`. */
  readonly address: string;
  readonly authenticate?: (socket: WebSocket) => Promise<void>;
}

export interface ControllersParts extends Pick<ControllerClientParts, 'register' | 'onCall' | 'log'> {
  readonly addresses: readonly ControllerAddress[];
  /** What the node has now. */
  readonly view: () => NodeView | undefined;
  readonly onView: (view: NodeView) => void;
  /** What ports have announced, for whoever has not heard of it. */
  readonly announced: () => readonly AnnouncedAddress[];
}

export interface Controllers {
  report(report: NodeReport): void;
  announce(addresses: readonly AnnouncedAddress[]): void;
  close(): void;
}

export function controllers(parts: ControllersParts): Controllers {
  let last: NodeReport | undefined;
  const onView = (said: NodeView): NodeView => {
    const has = parts.view();
    const view = has === undefined ? said : sharing(has, said);
    if (view !== has && (has === undefined || view.generation >= has.generation)) parts.onView(view);
    return view;
  };
  const clients = parts.addresses.map((at) => {
    const client = controllerClient({
      ...parts, ...at, onView,
      // It knows of nothing that was said before it came.
      onReady: () => {
        if (last !== undefined) client.report(last);
        client.announce(parts.announced());
      },
    });
    return client;
  });
  return {
    report: (report) => {
      last = report;
      for (const client of clients) client.report(report);
    },
    announce: (addresses) => { for (const client of clients) client.announce(addresses); },
    close: () => { for (const client of clients) client.close(); },
  };
}

/** The view that was said, of the parts that the node has where they say the same; what it has, where all does. */
function sharing(has: NodeView, said: NodeView): NodeView {
  const delta = diffView(has, said);
  const isSame = delta.from === delta.to && Object.keys(delta).length === 2;
  return isSame ? has : applyDelta(has, delta) ?? said;
}
