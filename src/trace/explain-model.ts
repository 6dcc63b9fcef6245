/** The shapes of an explanation: what is known of the cluster, and what is said of one packet. */
import type { NodeIds } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';
import type { Frame } from './frame.js';
import { localVlanName, macName, named, namesOf, type MacOwner, type Names } from './names.js';

/** What the tables intend, as the nodes' views say it; `ids` adds local VLANs, node by node. */
export interface Intent {
  readonly names: Names;
  readonly views: readonly NodeView[];
  readonly ids: ReadonlyMap<string, NodeIds>;
  /** The node the capture is from, where the user says so. */
  readonly node?: string;
}

/** A field that is not what the tables intend. */
export interface Fault {
  readonly field: string; readonly found: string; readonly expected: string; readonly why: string;
}

export interface Row { readonly table: string; readonly key: string; readonly value: string }

export interface Explanation {
  /** What the packet is: "ICMP echo request 10.1.0.11 -> 10.2.0.12, TTL 63". */
  readonly packet: string;
  /** Where on its way a frame with these headers is: "underlay cn1 -> cn2". */
  readonly hop: string;
  /** The seed's steps (walk-model.ts) this can be; more than one where headers alone do not tell. */
  readonly steps: readonly string[];
  /** The stage that is next to handle it or has just done so, and the row it uses. */
  readonly stage?: string;
  readonly row?: Row;
  readonly faults: readonly Fault[];
}

/** Who sends, who receives and what is inside, looked up once for all the rules. */
export interface Subject {
  readonly frame: Frame;
  readonly from: MacOwner | undefined;
  readonly to: MacOwner | undefined;
  readonly isGroup: boolean;
}

export function intentOf(
  views: readonly NodeView[], ids: ReadonlyMap<string, NodeIds> = new Map(), node?: string,
): Intent {
  return { names: namesOf(views), views, ids, ...(node === undefined ? {} : { node }) };
}

export function subjectOf(frame: Frame, { names }: Intent): Subject {
  const isGroup = (Number.parseInt(frame.dstMac.slice(0, 2), 16) & 1) === 1;
  return { frame, from: names.macOwner(frame.srcMac), to: names.macOwner(frame.dstMac), isGroup };
}

export const macText = (mac: string, { names }: Intent): string => named(mac, macName(names, mac));

/** The network as the node's rows key it: with its local VLAN where that is known. */
export function networkKey(network: string, node: string | undefined, { ids }: Intent): string {
  const localVlan = node === undefined
    ? undefined
    : ids.get(node)?.localVlans.find((one) => one.network === network)?.localVlan;
  return localVlan === undefined ? network : `local VLAN ${localVlan} (${network})`;
}

/** Nodes on which the local VLAN stands for some network; only the named node where one is named. */
export function networksOfLocalVlan(
  localVlan: number, { ids, node }: Intent,
): { node: string; network: string }[] {
  return [...ids].flatMap(([name, numbers]) => {
    const network = localVlanName(numbers, localVlan);
    const isAsked = node === undefined || name === node;
    return isAsked && network !== undefined ? [{ node: name, network }] : [];
  });
}
