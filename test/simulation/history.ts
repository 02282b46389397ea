/** What one client saw of one write or read; `start` and `end` are positions in the order of all events. */
interface Operation {
  readonly key: string;
  /** null: absent. Other values are unique to their write. */
  value: string | null;
  readonly start: number;
  end: number;
}

interface Write extends Operation {
  effect: 'acknowledged' | 'unknown' | 'none';
}

export interface History {
  /** What a key held before the first operation. */
  initial(key: string, value: string | null): void;
  beginWrite(key: string, value: string | null): (effect: Write['effect']) => void;
  beginRead(key: string): (value: string | null) => void;
  acknowledgedWrites(): number;
  /** Reads that no order of the writes explains. Empty when every key behaved like one register. */
  check(): readonly string[];
}

export function makeHistory(): History {
  const writes = new Map<string, Write[]>();
  const reads: Operation[] = [];
  let clock = 0;
  const add = (write: Write): Write => {
    const known = writes.get(write.key);
    if (known === undefined) writes.set(write.key, [write]);
    else known.push(write);
    return write;
  };
  return {
    initial(key, value) {
      add({ key, value, start: -1, end: -1, effect: 'acknowledged' });
    },
    beginWrite(key, value) {
      clock += 1;
      const write = add({ key, value, start: clock, end: Number.POSITIVE_INFINITY, effect: 'unknown' });
      return (effect) => {
        clock += 1;
        write.effect = effect;
        if (effect === 'acknowledged') write.end = clock;
      };
    },
    beginRead(key) {
      clock += 1;
      const start = clock;
      return (value) => {
        clock += 1;
        reads.push({ key, value, start, end: clock });
      };
    },
    acknowledgedWrites: () =>
      [...writes.values()].flat().filter(({ effect, start }) => effect === 'acknowledged' && start > 0)
        .length,
    check: () => checkReads(writes, reads),
  };
}

function checkReads(writes: ReadonlyMap<string, readonly Write[]>, reads: readonly Operation[]): string[] {
  const violations: string[] = [];
  const byKey = Map.groupBy(reads, ({ key }) => key);
  for (const [key, readsOfKey] of byKey) {
    const writesOfKey = writes.get(key) ?? [];
    const visible = withEvidence(writesOfKey, readsOfKey);
    for (const read of readsOfKey) {
      if (!isExplained(read, writesOfKey, visible)) violations.push(describe(read, writesOfKey));
    }
  }
  return violations;
}

/** When each write was in effect at the latest: its acknowledgement, or the end of a read that returned it. */
function withEvidence(writes: readonly Write[], reads: readonly Operation[]): ReadonlyMap<Write, number> {
  const visible = new Map(writes.map((write) => [write, write.effect === 'none' ? Infinity : write.end]));
  for (const write of writes) {
    if (write.value === null) continue;
    for (const read of reads) {
      if (read.value !== write.value) continue;
      visible.set(write, Math.min(visible.get(write) ?? Infinity, read.end));
    }
  }
  return visible;
}

function isExplained(
  read: Operation,
  writes: readonly Write[],
  visible: ReadonlyMap<Write, number>,
): boolean {
  return writes.some((source) => {
    if (source.effect === 'none' || source.value !== read.value || source.start > read.end) return false;
    const replaced = writes.some(
      (newer) =>
        (visible.get(source) ?? Infinity) < newer.start && (visible.get(newer) ?? Infinity) < read.start,
    );
    return !replaced;
  });
}

function describe(read: Operation, writes: readonly Write[]): string {
  const source = writes.find(({ value }) => value === read.value);
  const reason =
    source === undefined || source.effect === 'none'
      ? 'a value that nobody wrote'
      : read.value === null
        ? 'nothing, after an acknowledged write'
        : 'an older value than was acknowledged, or one that was deleted';
  const seen = writes
    .map(({ value, start, end, effect }) => `${value}@${start}-${end}${effect[0]}`)
    .join(' ');
  return `history: read ${read.start}-${read.end} of ${read.key} returned ${read.value}: ${reason} [${seen}]`;
}
