import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { sha256Hex } from '../../lib/kernel/sha256.ts';
import type { LargeBodies } from '../../lib/migration/large-bodies.ts';
import type { Job } from './job.ts';

/** Bodies that no item holds, in files, so that one process finds what another has put. */
export function openFileBodies({ bodiesPath }: Job): LargeBodies {
  mkdirSync(bodiesPath, { recursive: true });
  return {
    put(text) {
      const sha256 = sha256Hex(text);
      writeFileSync(join(bodiesPath, sha256), text);
      return Promise.resolve(sha256);
    },
    get(sha256) {
      const path = join(bodiesPath, sha256);
      return Promise.resolve(existsSync(path) ? readFileSync(path, 'utf8') : null);
    },
  };
}
