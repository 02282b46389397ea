import type { RecordVersion } from '../../lib/migration/record.ts';
import type { Rules } from './rules.ts';
import type { Change, State } from './state.ts';

export interface Content {
  readonly epoch: number;
  readonly sequence: number;
  /** 0: the row is absent. */
  readonly value: number;
}

/** Version of the key on the target; null while it is absent. */
export function heldVersion(state: State): RecordVersion | null {
  return state.held === 0 ? null : { epoch: state.heldEpoch, sequence: state.heldSequence };
}

/** Value that readers of the target see; 0 for an absent or deleted key. */
export function heldContent(state: State): number {
  return state.held === 1 ? state.heldValue : 0;
}

/** The write itself, where it is admitted. */
export function put(rules: Rules, { epoch, sequence, value }: Content): Change {
  if (value === 0 && !rules.keepsTombstones) return absent;
  return {
    held: value === 0 ? 2 : 1,
    heldEpoch: epoch,
    heldSequence: sequence,
    heldValue: value,
    damaged: 0,
  };
}

export const absent: Change = { held: 0, heldEpoch: 0, heldSequence: 0, heldValue: 0, damaged: 0 };

/** Current content of flat with its version; the low watermark stands for a key that was never logged. */
export function flatImage(state: State): Content {
  return { epoch: state.keyEpoch, sequence: state.keySequence, value: state.flatValue };
}
