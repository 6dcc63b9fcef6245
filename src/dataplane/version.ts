/** The version of this checkout, as agents and dataplanes name it to each other. */
import { createRequire } from 'node:module';

const manifest = createRequire(import.meta.url)('../../package.json') as { readonly version: string };

export const version: string = manifest.version;
