import { fileURLToPath } from 'node:url';

/** The folder of package.json; entries, lock file and deploy file are found from here, whatever the working directory. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
