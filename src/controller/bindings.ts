/** What becomes of a port's binding when the port has moved, or stays after all. */
import type { Binding, Migration, Port } from '../model/resources.js';

/** The port where it was on its way to. @param generation of the intent before. */
export function arrived(port: Port, { to, attachment }: Migration, generation: number): Port {
  const plug = attachment === undefined ? {} : { attachment };
  return { ...port, binding: { node: to, boundAt: generation + 1, ...plug } };
}

/** The port where it is, and on its way nowhere. */
export function stayed(port: Port, { migration: _givenUp, ...binding }: Binding): Port {
  return { ...port, binding };
}
