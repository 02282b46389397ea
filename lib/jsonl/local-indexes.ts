import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';

import type { IndexStore } from './ports.ts';

/** Indexes in a folder of this machine. */
export function makeLocalIndexes(folder: string): IndexStore {
  const pathOf = (fingerprint: string): string => join(folder, `${fingerprint}.sqlite`);
  return {
    fetch: (fingerprint) => Promise.resolve(existsSync(pathOf(fingerprint)) ? pathOf(fingerprint) : null),
    async draft() {
      await mkdir(folder, { recursive: true });
      return join(folder, `draft-${randomUUID()}.sqlite`);
    },
    async keep(fingerprint, draft) {
      // On the disk before it has its name: a name says that all of it is there.
      const file = await open(draft, 'r+');
      await file.sync();
      await file.close();
      await rename(draft, pathOf(fingerprint));
      return pathOf(fingerprint);
    },
  };
}
