/** What every resource has. */
import { defaulted, readOnly } from '../attribute.js';
import { integer, shown, text } from '../kinds/plain.js';

/**
 * Whose a resource is when nobody says: there is no identity yet, and every request is this project's
 * (identity.ts serves it to clients that ask).
 */
export const DEFAULT_PROJECT_ID = '00000000000000000000000000000001';

export const common = {
  id: readOnly(shown, 'FS'),
  name: defaulted(text(), '', 'FS', true),
  description: defaulted(text(), '', 'FS', true),
  /** `tenant_id` is the same under its older name (body.ts). */
  project_id: defaulted(text(), DEFAULT_PROJECT_ID, 'FS', false),
  tenant_id: readOnly(shown, 'FS'),
  /** Set by the tags API alone. */
  tags: readOnly(shown),
  created_at: readOnly(shown, 'FS'),
  updated_at: readOnly(shown, 'FS'),
  revision_number: readOnly(integer, 'FS'),
} as const;

/** Resources that are forwarded for have no name of their own. */
const { name: _name, ...withoutName } = common;
export const commonWithoutName = withoutName;

