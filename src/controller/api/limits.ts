/** Bounds of requests, and why; each is refused with a message that names it. */

/** A bulk of ports with all they can have is a few hundred KB. */
export const MAX_BODY_BYTES = 1 << 20;
/** The deepest request there is has four levels; a binding's profile may nest a little more. */
export const MAX_BODY_DEPTH = 16;
/** Resources of one bulk create: they become one write of the store. */
export const MAX_BULK = 500;
export const MAX_TAGS = 64;
/** A path's longest part: a name of 255 characters, each of four bytes, percent-encoded. */
export const MAX_PARAMETER_LENGTH = 255 * 4 * 3;
