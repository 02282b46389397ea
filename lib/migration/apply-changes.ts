import type { ChangeMessage, RelayStore } from './ports.ts';
import { applyImages, type WriteImagesDeps } from './write-images.ts';

export interface ApplyChangesDeps extends WriteImagesDeps {
  readonly relay: RelayStore;
}

/** Applies one message and then closes its batch; late, repeated and reordered messages change nothing. */
export function makeApplyChanges(deps: ApplyChangesDeps): (message: ChangeMessage) => Promise<void> {
  return async (message) => {
    await applyImages(deps, message.category, message);
    await deps.relay.finish(message.category, message.throughSequence);
  };
}
