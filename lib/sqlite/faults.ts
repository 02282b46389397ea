import { HalError, type ExitCodeName } from '../kernel/errors.ts';

/** Beginning of every message that a trigger of ours aborts a statement with. */
export const abortPrefix = 'hal9-migrate:';

/** Turns what SQLite throws into a fault that an operator can act on; anything else is returned as it is. */
export function sourceFault(error: unknown, path: string): unknown {
  if (!isSqliteError(error)) return error;
  const code = error.errcode & 0xff;
  if (code === constraintCode) return constraintFault(error, path);
  const fault = faultOfCode.get(code);
  if (fault === undefined) return error;
  return new HalError({
    name: fault.name,
    message: `The flat store ${path} ${fault.says}: ${error.message}.`,
    remedy: fault.remedy,
    exit: fault.exit,
    facts: { path, sqliteCode: error.errcode },
    cause: error,
  });
}

const constraintCode = 19;

interface SqliteError extends Error {
  readonly errcode: number;
}

interface CodeFault {
  readonly name: string;
  readonly says: string;
  readonly remedy: string;
  readonly exit: ExitCodeName;
}

const locked: CodeFault = {
  name: 'SourceLocked',
  says: 'is locked by another process',
  remedy: 'End the process that holds the lock (a long transaction, a backup), then run the command again.',
  exit: 'unavailable',
};

const faultOfCode: ReadonlyMap<number, CodeFault> = new Map<number, CodeFault>([
  [5, locked],
  [6, locked],
  [
    8,
    {
      name: 'SourceReadOnly',
      says: 'cannot be written',
      remedy: 'Give this user write access to the file and its folder; the change log lives in the file.',
      exit: 'sourceRejected',
    },
  ],
  [
    10,
    {
      name: 'SourceUnreadable',
      says: 'cannot be read or written',
      remedy: 'Check the disk and its free space, then run the command again.',
      exit: 'unavailable',
    },
  ],
  [
    11,
    {
      name: 'SourceCorrupt',
      says: 'is damaged',
      remedy: 'Restore it from a backup; `sqlite3 FILE "PRAGMA integrity_check"` tells what is damaged.',
      exit: 'sourceRejected',
    },
  ],
  [
    13,
    {
      name: 'SourceDiskFull',
      says: 'has no room to grow',
      remedy: 'Free some space on its disk, then run the command again; nothing was half written.',
      exit: 'unavailable',
    },
  ],
  [
    14,
    {
      name: 'SourceMissing',
      says: 'cannot be opened',
      remedy: 'Check the path and its permissions.',
      exit: 'sourceRejected',
    },
  ],
  [
    26,
    {
      name: 'SourceNotSqlite',
      says: 'is no SQLite database',
      remedy: 'Give the path of a SQLite 3 file that is not encrypted.',
      exit: 'sourceRejected',
    },
  ],
]);

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && typeof (error as Partial<SqliteError>).errcode === 'number';
}

function constraintFault(error: SqliteError, path: string): HalError {
  if (error.message.includes(abortPrefix) && error.message.includes('is fenced')) {
    return new HalError({
      name: 'CategoryFenced',
      message: `The flat store ${path} refused a write: ${error.message}.`,
      remedy: 'Write through the state gateway, which follows the authority.',
      exit: 'conflict',
      facts: { path },
      cause: error,
    });
  }
  return new HalError({
    name: 'RowConflict',
    message: `The flat store ${path} refused a row: ${error.message}.`,
    remedy: 'Change the row so that it keeps the constraints of its table.',
    exit: 'conflict',
    facts: { path },
    cause: error,
  });
}
