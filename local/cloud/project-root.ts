import { join } from 'node:path';

/** Directory of package.json; the local cloud finds templates, programs and engines from here. */
export const projectRoot = join(import.meta.dirname, '..', '..');
