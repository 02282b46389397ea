import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import {
  parseTransfer,
  type TransferContent,
  type TransferManifest,
  type TransferPart,
} from '../../lib/migration/transfer/transfer-manifest.ts';

export const manifestName = 'manifest.json';
export const rejectedName = 'rejected.jsonl';

/** Throws HalErrors `TransferMissing`, `TransferDamaged`, `TransferUnfit`. */
export async function readTransferManifest(
  input: string,
  content: TransferContent,
): Promise<TransferManifest> {
  const path = join(resolve(input), manifestName);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw missing(path, cause);
  });
  const manifest = parseTransfer(text);
  if (manifest === null) throw damaged(path, 'it does not match its own hash');
  if (manifest.content !== content) throw unfit(path, manifest.content, content);
  return manifest;
}

/** Line after line, and at the end of each part a look at its length and hash. Throws HalError `TransferDamaged`. */
export async function* readTransferLines(input: string, manifest: TransferManifest): AsyncGenerator<string> {
  for (const part of manifest.parts) yield* readPart(join(resolve(input), part.name), part);
}

/** Reads everything once, before anything is made of it. Throws HalError `TransferDamaged`. */
export async function verifyTransfer(
  input: string,
  manifest: TransferManifest,
  onLine: (lines: number) => void,
): Promise<void> {
  let lines = 0;
  const read = readTransferLines(input, manifest);
  while ((await read.next()).done !== true) onLine((lines += 1));
}

async function* readPart(path: string, part: TransferPart): AsyncGenerator<string> {
  const digest = createHash('sha256');
  let [bytes, lines] = [0, 0];
  let held: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      let rest = chunk as Buffer;
      digest.update(rest);
      bytes += rest.length;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        lines += 1;
        yield Buffer.concat([...held, rest.subarray(0, end)]).toString('utf8');
        held = [];
        rest = rest.subarray(end + 1);
      }
      if (rest.length > 0) held.push(rest);
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw damaged(path, (cause as Error).message);
  }
  if (digest.digest('hex') !== part.sha256 || bytes !== part.bytes || lines !== part.lines) {
    throw damaged(path, 'its content is not what the manifest says');
  }
}

function missing(path: string, cause: unknown): HalError {
  return new HalError({
    name: 'TransferMissing',
    message: `${path} cannot be read: ${(cause as Error).message}.`,
    remedy: 'Name a directory that `hal9-migrate learning export` or `learning transform` has finished.',
    exit: 'usage',
    facts: { path },
    cause,
  });
}

function damaged(path: string, reason: string): HalError {
  return new HalError({
    name: 'TransferDamaged',
    message: `${path} is not what was written: ${reason}.`,
    remedy: 'Export and transform again; nothing is imported from a file that was changed.',
    exit: 'conflict',
    facts: { path, reason },
  });
}

function unfit(path: string, content: TransferContent, wanted: TransferContent): HalError {
  return new HalError({
    name: 'TransferUnfit',
    message: `${path} holds ${content}, and ${wanted} are needed here.`,
    remedy: 'In this order: `learning export`, `learning transform`, `learning import`.',
    exit: 'usage',
    facts: { path, content, wanted },
  });
}
