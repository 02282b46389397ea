import * as fs from 'node:fs';
import * as path from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import { isObject } from './wire-input.ts';

/** Keeps the engines' state in one JSON file, so that a killed cloud comes back with what it had acknowledged. */
export interface SnapshotFile {
  /** Notes a change; it reaches the disk soon, or with the next `flush`. */
  readonly mark: () => void;
  /** Writes now if anything changed. Called before an API answers. */
  flush(): void;
  /** Flushes for the last time: what happens while the engines shut down is not kept. */
  close(): void;
}

const format = 1;
const writeAfterMs = 100;

/** Undefined when there is no file yet. Throws `StateFileUnreadable`. */
export function readSnapshot(file: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (file === undefined || !fs.existsSync(file)) {
    return undefined;
  }
  try {
    const parsed: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (isObject(parsed) && parsed['format'] === format) {
      return parsed;
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  throw unreadable(file, undefined);
}

export function makeSnapshotFile(
  file: string | undefined,
  collect: () => Readonly<Record<string, unknown>>,
): SnapshotFile {
  let dirty = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (dirty && file !== undefined) {
      dirty = false;
      writeWhole(file, JSON.stringify({ format, ...collect() }));
    }
  };

  return {
    mark() {
      if (closed) {
        return;
      }
      dirty = true;
      timer ??= setTimeout(flush, writeAfterMs);
    },
    flush,
    close() {
      flush();
      closed = true;
    },
  };
}

/** A rename is atomic: a reader sees the old file or the new one, never half of either. */
function writeWhole(file: string, text: string): void {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.tmp`;
  fs.writeFileSync(beside, text);
  fs.renameSync(beside, file);
}

function unreadable(file: string, cause: unknown): HalError {
  return new HalError({
    name: 'StateFileUnreadable',
    message: `${file} is not a state file of this version of the local cloud`,
    remedy: 'delete it to start with fresh flags, or choose another data directory',
    exit: 'failed',
    facts: { file },
    cause,
  });
}
