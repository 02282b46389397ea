import type { Clock } from '../../kernel/clock.ts';
import type { Category } from '../category.ts';
import type {
  AuthorityStore,
  FlatSource,
  RangeStore,
  RelayStore,
  ReversePendingStore,
  SwitchStore,
} from '../ports.ts';
import type { RecordOrigin } from '../record.ts';
import type { SwitchGuards } from '../switch-guards.ts';
import type { WriteImagesDeps } from '../write-images.ts';

export interface SwitchAuthorityDeps extends WriteImagesDeps {
  readonly source: FlatSource;
  readonly authority: AuthorityStore;
  readonly ranges: RangeStore;
  readonly relay: RelayStore;
  readonly reversePending: ReversePendingStore;
  readonly switches: SwitchStore;
  readonly clock: Clock;
  /** null only where something else proves the way back, as a simulation does. */
  readonly guards: SwitchGuards | null;
}

export interface SwitchRequest {
  readonly category: Category;
  readonly to: RecordOrigin;
  readonly requestedBy: string;
}
