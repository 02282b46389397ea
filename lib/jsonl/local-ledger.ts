import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { OfflineLedger, OfflineState } from './ports.ts';

/** In a folder of this machine: one file per revision, of which the newest counts; a name is given once only. */
export function makeLocalLedger(folder: string): OfflineLedger {
  const nameOf = (revision: number): string =>
    join(folder, `state-${String(revision).padStart(9, '0')}.json`);
  const read = async (): Promise<OfflineState | null> => {
    const names = await readdir(folder).catch(() => []);
    const last = names
      .filter((name) => /^state-\d+\.json$/.test(name))
      .toSorted()
      .at(-1);
    return last === undefined
      ? null
      : (JSON.parse(await readFile(join(folder, last), 'utf8')) as OfflineState);
  };
  return {
    read,
    async write(next) {
      await mkdir(folder, { recursive: true });
      const present = (await read())?.revision ?? 0;
      if (next.revision !== present + 1) return false;
      const draft = join(folder, `draft-${randomUUID()}.json`);
      await writeFile(draft, JSON.stringify(next), { flush: true });
      try {
        await link(draft, nameOf(next.revision));
        return true;
      } catch (fault) {
        if ((fault as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw fault;
      } finally {
        await rm(draft, { force: true });
      }
    },
  };
}
