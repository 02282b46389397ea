import type { KnownFaults } from './known-fault.ts';

/** Of authority, rollbacks and routes. */
export const switchFaults: KnownFaults = {
  AuthorityBehind: {
    exit: 'conflict',
    remedy: 'Look at `hal9-migrate state status`; finish or abort the switch of the category first.',
  },
  AuthorityConflict: {
    exit: 'conflict',
    remedy: 'Look at `hal9-migrate state status`, then repeat the switch if it is still wanted.',
  },
  AuthorityMoved: { exit: 'conflict', remedy: 'Add `--force` to give the authority back to flat.' },
  BackfillIncomplete: { exit: 'gateFailed', remedy: 'Run `hal9-migrate state migrate` until it ends.' },
  CategoryFenced: {
    exit: 'conflict',
    remedy:
      'Write through the state gateway, which follows the authority. The write was refused, not lost silently.',
  },
  DrainUnproven: {
    exit: 'unavailable',
    remedy: 'Nothing is lost. Repeat the switch, or abort it, when the streams answer promptly.',
  },
  FlagsMissing: {
    exit: 'unavailable',
    remedy: 'Deploy the control stack: it deploys the first document, with everything off.',
  },
  KillSwitchSet: { exit: 'conflict', remedy: 'When the cause is cleared, release it as the message says.' },
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
  LayersUnsound: {
    exit: 'gateFailed',
    remedy:
      'Mend it with `hal9-migrate reconcile --category neuron-states`, then see `hal9-migrate neurons verify`.',
  },
  PhaseContended: { exit: 'conflict', remedy: 'Look at `hal9-migrate status`, then repeat the command.' },
  RelayLagTooHigh: {
    exit: 'gateFailed',
    remedy:
      'Wait until `hal9-migrate state progress` shows less, or raise it with `hal9-migrate configure state-migration --lag-limit`.',
  },
  ReverseConflict: {
    exit: 'conflict',
    remedy: 'Change or delete one of the two records on the hierarchical side, then switch again.',
  },
  ReversePathUnproven: {
    exit: 'gateFailed',
    remedy: 'Look at the log of the function reverse-changes, then switch again; nothing has moved.',
  },
  RollbackForward: { exit: 'usage', remedy: 'Choose one of the phases that the message lists.' },
  RollbackIncomplete: {
    exit: 'failed',
    remedy: 'It is repeated by itself; `hal9-migrate rollback` repeats it at once.',
  },
  RoutesContended: {
    exit: 'conflict',
    remedy:
      'Look for a second writer of this store; the reconciliation of the next minute tries again by itself.',
  },
  StrayWrites: {
    exit: 'conflict',
    remedy: 'Stop that writer, and write the named records through the gateway.',
  },
  SwitchAborted: { exit: 'conflict', remedy: 'Start it again when the reason of the abort is gone.' },
  SwitchStalled: {
    exit: 'gateFailed',
    remedy: 'Switch again when there is less to apply; the old side takes writes as before.',
  },
  SwitchTooFar: { exit: 'conflict', remedy: 'Let the switch finish by repeating it, then switch back.' },
  SwitchUnderWay: {
    exit: 'conflict',
    remedy: 'Let it finish by repeating that switch, then run this again.',
  },
  UnknownPhase: { exit: 'usage', remedy: 'Choose one of those that the message lists.' },
};
