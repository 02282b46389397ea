import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rename, rm, rmdir, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

import {
  sealTransfer,
  type TransferManifest,
  type TransferPart,
} from '../../lib/migration/transfer/transfer-manifest.ts';
import { outputExists, outputUnwritable } from '../output/write-output.ts';
import { manifestName, rejectedName } from './transfer-reader.ts';

/** Bytes after which a part is closed and the next one begins. */
const partBytes = 64 * 1024 * 1024;
/** Bytes that are held before they are written. */
const heldBytes = 1024 * 1024;

/** A directory of lines that is there when all of it is, and not before. */
export interface TransferWriter {
  write(line: string): Promise<void>;
  /** A row without hierarchical form, with its reason. */
  reject(reason: object): Promise<void>;
  /** Closes everything and gives the directory its name. Throws HalError `OutputExists`. */
  finish(about: Pick<TransferManifest, 'content' | 'origin'>): Promise<TransferManifest>;
  /** Removes what was written; does nothing after `finish`. */
  discard(): Promise<void>;
}

/** Throws HalErrors `OutputExists`, `OutputUnwritable`. */
export async function openTransferWriter(output: string): Promise<TransferWriter> {
  const place = resolve(output);
  await requireRoom(place);
  const draft = await writable(place, () => mkdtemp(join(dirname(place), `.${basename(place)}-`)));
  return makeWriter(place, draft);
}

function makeWriter(place: string, draft: string): TransferWriter {
  const parts: TransferPart[] = [];
  let present: LineFile | null = null;
  let rejects: LineFile | null = null;
  let isFinished = false;

  async function closePart(): Promise<void> {
    if (present === null) return;
    parts.push({ name: present.name, ...(await present.close()) });
    present = null;
  }

  return {
    async write(line) {
      present ??= await openLineFile(draft, `part-${String(parts.length + 1).padStart(5, '0')}.jsonl`);
      if ((await present.add(line)) >= partBytes) await closePart();
    },
    async reject(reason) {
      rejects ??= await openLineFile(draft, rejectedName);
      await rejects.add(JSON.stringify(reason));
    },
    async finish(about) {
      await closePart();
      const rejected = rejects === null ? 0 : (await rejects.close()).lines;
      const lines = parts.reduce((sum, part) => sum + part.lines, 0);
      const content = {
        schemaVersion: 1 as const,
        ...about,
        lines,
        rejected,
        parts,
        createdAtMs: Date.now(),
      };
      const manifest = sealTransfer(content);
      const file = await openLineFile(draft, manifestName);
      await file.add(JSON.stringify(manifest, null, 2));
      await file.close();
      await requireRoom(place);
      await rename(draft, place);
      isFinished = true;
      return manifest;
    },
    async discard() {
      if (!isFinished) await rm(draft, { recursive: true, force: true });
    },
  };
}

interface LineFile {
  readonly name: string;
  /** Returns the length of the file with this line, in bytes. */
  add(line: string): Promise<number>;
  close(): Promise<Omit<TransferPart, 'name'>>;
}

async function openLineFile(directory: string, name: string): Promise<LineFile> {
  const path = join(directory, name);
  const file: FileHandle = await writable(path, () => open(path, 'wx'));
  const digest = createHash('sha256');
  let [held, heldLength, bytes, lines] = [[] as Buffer[], 0, 0, 0];
  const flush = async (): Promise<void> => {
    const chunk = Buffer.concat(held);
    [held, heldLength] = [[], 0];
    digest.update(chunk);
    await writable(path, () => file.appendFile(chunk));
  };
  return {
    name,
    async add(line) {
      const encoded = Buffer.from(`${line}\n`);
      held.push(encoded);
      heldLength += encoded.length;
      bytes += encoded.length;
      lines += 1;
      if (heldLength >= heldBytes) await flush();
      return bytes;
    },
    async close() {
      await flush();
      await file.sync();
      await file.close();
      return { lines, bytes, sha256: digest.digest('hex') };
    },
  };
}

/** An empty directory gives way, anything else stays. */
async function requireRoom(place: string): Promise<void> {
  try {
    if ((await readdir(place)).length > 0) throw outputExists(place);
    await rmdir(place);
  } catch (fault) {
    const { code } = fault as NodeJS.ErrnoException;
    if (code === 'ENOTDIR' || code === 'ENOTEMPTY') throw outputExists(place);
    if (code !== 'ENOENT') throw fault;
    await writable(place, () => mkdir(dirname(place), { recursive: true }));
  }
}

async function writable<Result>(path: string, effect: () => Promise<Result>): Promise<Result> {
  try {
    return await effect();
  } catch (cause) {
    throw outputUnwritable(path, cause);
  }
}
