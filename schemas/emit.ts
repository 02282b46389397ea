import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { migrationJsonSchema } from '../lib/migration/migration-schema.ts';

/** `node schemas/emit.ts` writes the published schema anew; a test compares the file with the code. */
const path = join(import.meta.dirname, 'migration.schema.json');
writeFileSync(path, `${JSON.stringify(migrationJsonSchema(), null, 2)}\n`);
process.stdout.write(`${path}\n`);
