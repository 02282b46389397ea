import { HalError, type ExitCodeName } from '../lib/kernel/errors.ts';
import type { FunctionInvoker } from '../lib/orchestrator/function-invoker.ts';

interface KnownFault {
  readonly exit: ExitCodeName;
  readonly remedy: string;
}

const checkFile =
  'Check the file that the source names; `sqlite3 FILE "PRAGMA integrity_check"` tells what is damaged.';

/** Faults that reach the CLI through a function, which hands on only their names and messages. */
export const knownFaults: Readonly<Record<string, KnownFault>> = {
  BackupDamaged: {
    exit: 'conflict',
    remedy: 'Choose another checkpoint, or bring back the version of the manifest that the bucket still has.',
  },
  BackupMissing: {
    exit: 'usage',
    remedy:
      'Choose one made with `hal9-migrate state checkpoint --full-backup`; `state list-checkpoints` shows which.',
  },
  BackupOvertaken: { exit: 'conflict', remedy: 'Take the checkpoint again.' },
  CheckpointLacksCategory: { exit: 'usage', remedy: 'Choose another checkpoint, or fewer categories.' },
  LayerOutOfOrder: {
    exit: 'conflict',
    remedy:
      'Run `hal9-migrate neurons verify` for the layers below it first; layers are published bottom up.',
  },
  LayersContended: {
    exit: 'conflict',
    remedy: 'Let the other command end, then run this one again.',
  },
  LayersNotPublished: {
    exit: 'conflict',
    remedy: 'Run `hal9-migrate neurons verify` first; it publishes the layers that it finds sound.',
  },
  ImportDamaged: {
    exit: 'conflict',
    remedy: 'Transform the export again with `hal9-migrate learning transform`.',
  },
  ImportForeign: {
    exit: 'conflict',
    remedy: 'Export from the flat store of this migration with `hal9-migrate learning export`.',
  },
  ImportOutdated: {
    exit: 'conflict',
    remedy: 'Export again while flat has authority; under hierarchical authority nothing is imported.',
  },
  NoLearningData: {
    exit: 'usage',
    remedy: 'These commands are for HAL9; use `hal9-migrate state verify` for any other system.',
  },
  NoNeuronStates: {
    exit: 'usage',
    remedy: 'These commands are for HAL9; use `hal9-migrate state verify` for any other system.',
  },
  SourceOffline: {
    exit: 'conflict',
    remedy:
      'Write through the state gateway under hierarchical authority; to be able to go back, migrate from a live store.',
  },
  RelayLagTooHigh: {
    exit: 'gateFailed',
    remedy:
      'Wait until `hal9-migrate state progress` shows less, or raise it with `hal9-migrate configure state-migration --lag-limit`.',
  },
  ReversePathUnproven: {
    exit: 'gateFailed',
    remedy: 'Look at the log of the function reverse-changes, then switch again; nothing has moved.',
  },
  SwitchStalled: {
    exit: 'gateFailed',
    remedy: 'Switch again when there is less to apply; the old side takes writes as before.',
  },
  SwitchUnderWay: {
    exit: 'conflict',
    remedy: 'Let it finish by repeating that switch, then run this again.',
  },
  StrayWrites: {
    exit: 'conflict',
    remedy: 'Stop that writer, and write the named records through the gateway.',
  },
  CopyTooLong: {
    exit: 'gateFailed',
    remedy: 'Copy with more workers or a higher write budget, or one category after the other.',
  },
  ChangeLogLost: {
    exit: 'conflict',
    remedy: 'Delete the table of the change log, and begin anew with an empty target.',
  },
  PieceMissing: {
    exit: 'unavailable',
    remedy: 'Run the command again; if it stays, look at the bucket of the backups.',
  },
  RestoreInterrupted: {
    exit: 'conflict',
    remedy: 'Let the switch finish, then restore again: what is done already is found unchanged.',
  },
  RestoreRefused: {
    exit: 'conflict',
    remedy: 'Wait until it is over (`hal9-migrate state status`), then restore again.',
  },
  EditionDamaged: {
    exit: 'gateFailed',
    remedy: 'Publish it again with `hal9-migrate config publish`; readers keep the edition that they have.',
  },
  EditionTooLarge: {
    exit: 'usage',
    remedy: 'Editions are for small categories such as configuration; read the others record by record.',
  },
  EditionUnfit: {
    exit: 'gateFailed',
    remedy: 'See `hal9-migrate state quarantine list` and `hal9-migrate reconcile`, then publish again.',
  },
  ReloadTestFailed: {
    exit: 'unavailable',
    remedy: 'Run the test again; it begins by writing all of its settings anew.',
  },
  BackfillIncomplete: { exit: 'gateFailed', remedy: 'Run `hal9-migrate state migrate` until it ends.' },
  ChangeLogMissing: {
    exit: 'conflict',
    remedy: 'Run `hal9-migrate mode migration --enable` or `hal9-migrate state migrate` first.',
  },
  SchemaUnstable: {
    exit: 'unavailable',
    remedy: 'Finish the schema changes, then run the command again.',
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
  SourceReadOnly: {
    exit: 'sourceRejected',
    remedy: 'Give this user write access to the file and its folder; the change log lives in the file.',
  },
  SourceRejected: {
    exit: 'sourceRejected',
    remedy:
      'Bring the store to the schema of docs/concepts/flat-schema.md (or repair the rows), then run the command again.',
  },
  SourceUnreadable: {
    exit: 'unavailable',
    remedy: 'Check the disk and its free space, then run the command again.',
  },
};

/** The same invoker, whose failures are the faults that the functions met. */
export function withKnownFaults(invoker: FunctionInvoker): FunctionInvoker {
  return {
    async invoke(folder, payload) {
      try {
        return await invoker.invoke(folder, payload);
      } catch (error) {
        throw originalFault(error);
      }
    },
  };
}

function originalFault(error: unknown): unknown {
  if (!(error instanceof HalError) || error.name !== 'FunctionFailed') return error;
  const { errorType, errorMessage } = error.facts;
  const known = knownFaults[String(errorType)];
  if (known === undefined) return error;
  const name = String(errorType);
  return new HalError({ name, message: String(errorMessage), ...known, facts: error.facts, cause: error });
}
