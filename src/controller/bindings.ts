/** What becomes of a port's binding when the port has moved, stays after all, or its nodes change. */
import type { Binding, Migration, Node, Port } from '../model/resources.js';

/** The port where it was on its way to. @param generation of the intent before. */
export function arrived(port: Port, { to, attachment }: Migration, generation: number): Port {
  const plug = attachment === undefined ? {} : { attachment };
  return { ...port, binding: { node: to, boundAt: generation + 1, ...plug } };
}

/** The port where it is, and on its way nowhere. */
export function stayed(port: Port, { migration: _givenUp, ...binding }: Binding): Port {
  return { ...port, binding };
}

/** What is left of the binding where these are all the nodes there are. */
export function bindingAmong(nodes: ReadonlyMap<string, Node>, binding: Binding): Pick<Port, 'binding'> {
  const { migration, ...here } = binding;
  if (!nodes.has(here.node)) return {};
  return { binding: migration === undefined || nodes.has(migration.to) ? binding : here };
}
