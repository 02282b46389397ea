import type { KnownFaults } from './known-fault.ts';

/** Of records, backups, learning data and editions. */
export const stateFaults: KnownFaults = {
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
  BodyUnavailable: {
    exit: 'unavailable',
    remedy:
      'None: the change is sent again with its row. If it stays, look at the objects below `bodies/` in the backup bucket.',
  },
  CheckpointLacksCategory: { exit: 'usage', remedy: 'Choose another checkpoint, or fewer categories.' },
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
  FilterInvalid: {
    exit: 'usage',
    remedy: 'Give a column of the row or a member of the record, for example `layer=substrate`.',
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
  PieceMissing: {
    exit: 'unavailable',
    remedy: 'Run the command again; if it stays, look at the bucket of the backups.',
  },
  QueueRefusedMessages: {
    exit: 'unavailable',
    remedy:
      'Nothing is lost: what was not sent is sent again by the next run. The code in the message tells the cause.',
  },
  RecordCorrupted: {
    exit: 'failed',
    remedy: 'Run `hal9-migrate verify` to list damaged records, and repair them before they are used again.',
  },
  RecordDamaged: { exit: 'failed', remedy: 'Restore it from a backup or write it again.' },
  RecordMissing: {
    exit: 'failed',
    remedy: 'Restore the record from point-in-time recovery, then switch again.',
  },
  ReloadTestFailed: {
    exit: 'unavailable',
    remedy: 'Run the test again; it begins by writing all of its settings anew.',
  },
  RestoreInterrupted: {
    exit: 'conflict',
    remedy: 'Let the switch finish, then restore again: what is done already is found unchanged.',
  },
  RestoreRefused: {
    exit: 'conflict',
    remedy: 'Wait until it is over (`hal9-migrate state status`), then restore again.',
  },
  SettingOutOfRange: { exit: 'usage', remedy: 'Give a value inside the range that the message names.' },
  SettingsContended: { exit: 'conflict', remedy: 'Repeat the command.' },
  StateTableEmpty: {
    exit: 'conflict',
    remedy: 'Look whether this is the deployment that you mean, and whether its state table was lost.',
  },
  StoreRefusedItem: {
    exit: 'failed',
    remedy: 'Read the code in the message; the range is retried and nothing before it is lost.',
  },
  StoreThrottled: {
    exit: 'unavailable',
    remedy:
      'Lower the number of workers or raise the warm throughput of the table; the work is retried by itself.',
  },
  StoredItemInvalid: {
    exit: 'failed',
    remedy: 'Somebody else wrote into the table: restore the item from point-in-time recovery, or remove it.',
  },
  VerificationExpired: { exit: 'conflict', remedy: 'Begin the verification again: leave the cursor out.' },
};
