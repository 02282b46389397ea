/** Rows per record type of a generated store. */
export interface RowCounts {
  readonly user: number;
  readonly session: number;
  readonly neuron: number;
  readonly connection: number;
  readonly signal: number;
  readonly learning: number;
  readonly config: number;
  readonly metadata: number;
}

/** Shares of a large system: 100,000 sessions, a million neurons with their edges, 100,000 learning records. */
const shares = { user: 0.016, session: 0.065, learning: 0.081, metadata: 0.0272 } as const;
const configShare = 0.0008;
const minimalConfig = 48;
const connectionShare = 0.45;
const signalShare = 0.19;

/** Every type has a row where there are rows enough; the sum is exactly `records`. */
export function planRowCounts(records: number): RowCounts {
  const some = (share: number): number => Math.min(Math.max(Math.round(records * share), 1), records >> 3);
  const config =
    records >= 1000 ? Math.max(minimalConfig, Math.round(records * configShare)) : some(configShare * 40);
  const user = some(shares.user);
  const session = some(shares.session);
  const learning = some(shares.learning);
  const metadata = some(shares.metadata);
  const brain = records - config - user - session - learning - metadata;
  const connection = Math.floor(brain * connectionShare);
  const signal = Math.floor(brain * signalShare);
  return {
    user,
    session,
    neuron: brain - connection - signal,
    connection,
    signal,
    learning,
    config,
    metadata,
  };
}
