import { createReadStream, type BigIntStats } from 'node:fs';
import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

import { sourceChanged, sourceMissing, sourceUnreadable } from './faults.ts';
import { isSourceFile, requireReadableNames } from './file-names.ts';
import type { SourceFile, SourceFiles } from './ports.ts';

/** A folder with its subfolders, or one file. */
export function makeLocalFiles(path: string): SourceFiles {
  const place = resolve(path);
  const root = async (): Promise<{ readonly folder: string; readonly names: readonly string[] }> => {
    const found = await explained(place, () => stat(place));
    if (!found.isDirectory()) return { folder: dirname(place), names: [basename(place)] };
    const entries = await explained(place, () => readdir(place, { recursive: true, withFileTypes: true }));
    const names = entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(place.length + 1));
    return { folder: place, names: names.map((name) => name.replaceAll(sep, '/')) };
  };
  let folder: string | null = null;
  const pathOf = async ({ name }: SourceFile): Promise<string> => {
    folder ??= (await root()).folder;
    return join(folder, name);
  };
  return {
    place,
    async list() {
      const found = await root();
      requireReadableNames(place, found.names);
      const names = found.names.filter((name) => isSourceFile(name)).toSorted();
      return await Promise.all(
        names.map(async (name) => {
          const stats = await explained(place, () => stat(join(found.folder, name), { bigint: true }));
          return { name, sizeBytes: Number(stats.size), tag: tagOf(stats) };
        }),
      );
    },
    async *stream(file) {
      const handle = await opened(place, file, await pathOf(file));
      try {
        yield* createReadStream('', { fd: handle, autoClose: false, highWaterMark: 1024 * 1024 });
        await requireSame(place, file, handle);
      } finally {
        await handle.close();
      }
    },
    async read(file, from, length) {
      const handle = await opened(place, file, await pathOf(file));
      try {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await handle.read(bytes, 0, length, from);
        // After the read: whatever was changed before or during it shows.
        await requireSame(place, file, handle);
        if (bytesRead < length) throw sourceChanged(place, [`${file.name} is shorter`]);
        return bytes;
      } finally {
        await handle.close();
      }
    },
  };
}

/** The time of the last change of content or name cannot be set back by a program. */
function tagOf(stats: BigIntStats): string {
  return `${stats.mtimeNs}.${stats.ctimeNs}.${stats.ino}`;
}

async function requireSame(place: string, file: SourceFile, handle: FileHandle): Promise<void> {
  const stats = await handle.stat({ bigint: true });
  if (tagOf(stats) === file.tag && Number(stats.size) === file.sizeBytes) return;
  throw sourceChanged(place, [`${file.name} was written to`]);
}

async function opened(place: string, file: SourceFile, path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT')
      throw sourceChanged(place, [`${file.name} is gone`]);
    throw sourceUnreadable(path, (cause as Error).message, cause);
  }
}

async function explained<Result>(place: string, effect: () => Promise<Result>): Promise<Result> {
  try {
    return await effect();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw sourceMissing(place, 'there is no such file or folder');
    throw sourceUnreadable(place, message, cause);
  }
}
