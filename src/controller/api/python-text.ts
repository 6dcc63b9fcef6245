/** Values as Neutron's messages show them, which is as Python does; long ones are cut. */

/** Enough to recognise what was sent; a message is no echo of a megabyte. */
const MAX_SHOWN_LENGTH = 300;

/** As `%s` shows it: texts bare. */
export function pythonText(value: unknown): string {
  return cut(typeof value === 'string' ? value : representation(value));
}

/** As `%r` shows it: texts quoted. */
export function pythonLiteral(value: unknown): string {
  return cut(representation(value));
}

function representation(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(representation).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value);
  return `{${entries.map(([key, item]) => `'${key}': ${representation(item)}`).join(', ')}}`;
}

function cut(text: string): string {
  return text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH)}...`;
}
