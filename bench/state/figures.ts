/** One row of the table: a figure of ours beside one of somebody else's, measured in the same run. */
export interface Figure {
  readonly measure: string;
  readonly value: number;
  readonly unit: string;
  readonly peer: string;
  readonly peerValue: number;
  /** Ours over the peer's. */
  readonly ratio: number;
  /** What the ratio has to be, as a sentence. */
  readonly goal: string;
  readonly reached: boolean;
  /** What no software gets past. */
  readonly physicalLimit: string;
}

interface Goal {
  readonly least?: number;
  readonly most?: number;
}

export function figure(
  row: Pick<Figure, 'measure' | 'value' | 'unit' | 'peer' | 'peerValue' | 'physicalLimit'>,
  goal: Goal,
): Figure {
  const ratio = row.value / row.peerValue;
  const { least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY } = goal;
  return {
    ...row,
    value: round(row.value),
    peerValue: round(row.peerValue),
    ratio: round(ratio),
    goal: goal.least === undefined ? `at most ${most}x` : `at least ${least}x`,
    reached: ratio >= least && ratio <= most,
  };
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((left, right) => left - right)[Math.floor(numbers.length / 2)] ?? 0;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
