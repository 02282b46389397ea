/**
 * Called at every point where a real adapter would wait for the network. A simulation reorders by resolving late,
 * loses a request by throwing at `...:call`, loses a reply by throwing at `...:reply` or `...:read`, and crashes the
 * caller by never resolving.
 */
export type Interleave = (point: string) => Promise<void>;

export const uninterrupted: Interleave = () => Promise.resolve();

/** One transaction: nothing else happens between the reads and writes of `effect`. */
export async function transaction<Result>(
  interleave: Interleave,
  name: string,
  effect: () => Result,
): Promise<Result> {
  await interleave(`${name}:call`);
  const result = effect();
  await interleave(`${name}:reply`);
  return result;
}

/**
 * A transaction that only reads. One wait is enough: to begin later is no different from having been held up before,
 * and a request that was lost is no different from a reply that was.
 */
export async function observation<Result>(
  interleave: Interleave,
  name: string,
  effect: () => Result,
): Promise<Result> {
  const result = effect();
  await interleave(`${name}:read`);
  return result;
}
