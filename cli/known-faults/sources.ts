import type { KnownFaults } from './known-fault.ts';

const checkFile =
  'Check the file that the source names; `sqlite3 FILE "PRAGMA integrity_check"` tells what is damaged.';

/** Of the flat store and its change log. */
export const sourceFaults: KnownFaults = {
  ChangeLogInterrupted: {
    exit: 'gateFailed',
    remedy:
      'Run `hal9-migrate reconcile --full --fix-mode auto` until it finds no difference, then switch again.',
  },
  ChangeLogLost: {
    exit: 'conflict',
    remedy: 'Delete the table of the change log, and begin anew with an empty target.',
  },
  ChangeLogMissing: {
    exit: 'conflict',
    remedy: 'Run `hal9-migrate mode migration --enable` or `hal9-migrate state migrate` first.',
  },
  CopyTooLong: {
    exit: 'gateFailed',
    remedy: 'Copy with more workers or a higher write budget, or one category after the other.',
  },
  QueryRejected: {
    exit: 'usage',
    remedy:
      'Correct it: SQL over the columns of one row, without subqueries and without functions that depend on anything else, such as the time.',
  },
  QueryUnsupported: { exit: 'usage', remedy: 'Leave it out, or migrate from SQLite or PostgreSQL.' },
  ReplicationSlotLost: {
    exit: 'conflict',
    remedy:
      'Prepare the source again (`hal9-migrate state migrate` does): every row is logged once more; then run `hal9-migrate reconcile --full --fix-mode auto`, which mends what was deleted meanwhile.',
  },
  RowConflict: {
    exit: 'conflict',
    remedy: 'Change the row so that it keeps the constraint; nothing was written.',
  },
  SchemaUnstable: {
    exit: 'unavailable',
    remedy: 'Finish the schema changes, then run the command again.',
  },
  SecretUnreadable: {
    exit: 'unauthorized',
    remedy:
      "Check the ARN, the way from the functions' network to Secrets Manager, and the secret's resource policy.",
  },
  SourceAccessDenied: {
    exit: 'unauthorized',
    remedy: 'Check the credentials of the source (in AWS: its secret) and `pg_hba.conf`.',
  },
  SourceChanged: {
    exit: 'sourceRejected',
    remedy:
      'Put back the files as they were and repeat the command; migrate new files to a target of their own.',
  },
  SourceConnectionLost: {
    exit: 'unavailable',
    remedy: 'Run the command again; it goes on where it stopped, and nothing was half written.',
  },
  SourceCorrupt: { exit: 'sourceRejected', remedy: checkFile },
  SourceDiskFull: {
    exit: 'unavailable',
    remedy: 'Free some space on the disk of the store, then run the command again; nothing was half written.',
  },
  SourceLocked: {
    exit: 'unavailable',
    remedy: 'End the process that holds the lock (a long transaction, a backup), then run the command again.',
  },
  SourceMissing: { exit: 'sourceRejected', remedy: 'Check the path and its permissions.' },
  SourceNotSqlite: { exit: 'sourceRejected', remedy: checkFile },
  SourceOffline: {
    exit: 'conflict',
    remedy:
      'Write through the state gateway under hierarchical authority; to be able to go back, migrate from a live store.',
  },
  SourcePrivilegeMissing: {
    exit: 'unauthorized',
    remedy: 'Run the statements that the message names, as an administrator of the database.',
  },
  SourceReadOnly: {
    exit: 'sourceRejected',
    remedy: 'Give this user write access to the file and its folder; the change log lives in the file.',
  },
  SourceRejected: {
    exit: 'sourceRejected',
    remedy:
      'Bring the store to the schema of docs/concepts/flat-schema.md (or repair the rows), then run the command again.',
  },
  SourceUnreachable: {
    exit: 'unavailable',
    remedy: 'Check host, port, network and the server, then run the command again.',
  },
  SourceUnreadable: {
    exit: 'unavailable',
    remedy: 'Check the disk and its free space, then run the command again.',
  },
  SourceUrlInvalid: {
    exit: 'usage',
    remedy: 'Correct it; characters such as `@` and `/` in a password are percent-encoded.',
  },
  StreamMissing: {
    exit: 'conflict',
    remedy: 'Deploy the state stack again: it turns the stream on, with new and old images.',
  },
  StreamUnsuitable: {
    exit: 'sourceRejected',
    remedy:
      'Turn it on with `NEW_AND_OLD_IMAGES`, as the message says; the tables themselves stay as they are.',
  },
  TableAbsent: { exit: 'conflict', remedy: 'Create the table, or leave the record out.' },
  UnknownColumn: { exit: 'conflict', remedy: 'Add the column, or leave it out of the record.' },
};
