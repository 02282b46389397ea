import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { sha256Hex } from '../../lib/kernel/sha256.ts';
import { bodyName } from '../../lib/migration/body-name.ts';
import type { LargeBodies } from '../../lib/migration/large-bodies.ts';
import type { Job } from './job.ts';

/** Bodies that no item holds, in files, so that one process finds what another has put. */
export function openFileBodies({ bodiesPath }: Job): LargeBodies {
  return {
    put(text) {
      const name = bodyName({ putAtMs: Date.now(), sha256: sha256Hex(text) });
      const path = join(bodiesPath, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return Promise.resolve(name);
    },
    get(name) {
      const path = join(bodiesPath, name);
      return Promise.resolve(existsSync(path) ? readFileSync(path, 'utf8') : null);
    },
  };
}
