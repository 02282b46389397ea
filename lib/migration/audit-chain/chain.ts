import { sha256Hex } from '../../kernel/sha256.ts';

/** One event of a numbered stream; the hash covers its key, and with it the number, and its content. */
export interface ChainEvent {
  readonly sequence: bigint;
  readonly hash: string;
}

/** How far a chain has come; sequences are decimal digits, as they are stored and sent. */
export interface ChainPoint {
  readonly first: string;
  readonly last: string;
  readonly count: number;
  /** The last link: it covers every event before it, in order. */
  readonly head: string;
}

/** What nobody may change any more: the point of a chain where a segment of it ends. */
export type SealedPoint = ChainPoint;

type ChainFaultName =
  /** Numbers are left out. */
  | 'AuditGap'
  /** A number that is not above the one before it. */
  | 'AuditOrder'
  /** Some event of a sealed segment was changed, removed or added since. */
  | 'AuditAltered'
  /** The stream ends before its last sealed event. */
  | 'AuditTruncated';

export interface ChainFault {
  readonly fault: ChainFaultName;
  /** Where it shows. */
  readonly sequence: string;
  readonly detail: string;
}

/** A walk along one chain: where it is, and how many seals lie behind it. */
export interface ChainWalk {
  readonly point: ChainPoint | null;
  readonly passedSeals: number;
}

const beforeFirst = '0'.repeat(64);

export const chainStart: ChainWalk = { point: null, passedSeals: 0 };

/** `link = sha256(link before it, hash of the event)`. */
export function linkEvent(point: ChainPoint | null, event: ChainEvent): ChainPoint {
  const sequence = event.sequence.toString();
  return {
    first: point?.first ?? sequence,
    last: sequence,
    count: (point?.count ?? 0) + 1,
    head: sha256Hex(`${point?.head ?? beforeFirst} ${event.hash}`),
  };
}

/** The point alone, without what else is known about a seal. */
export function pointOf({ first, last, count, head }: ChainPoint): ChainPoint {
  return { first, last, count, head };
}

/** Takes the walk one event further. After a segment that is not as sealed it goes on from the seal. */
export function walkEvent(
  walk: ChainWalk,
  event: ChainEvent,
  seals: readonly SealedPoint[],
): { readonly walk: ChainWalk; readonly faults: readonly ChainFault[] } {
  const faults: ChainFault[] = [...orderFaults(walk, event, seals)];
  let { point, passedSeals } = walk;
  let seal = seals[passedSeals];
  // The event in which a segment ends is itself not there.
  while (seal !== undefined && event.sequence > BigInt(seal.last)) {
    faults.push(altered(seal, seals[passedSeals - 1]));
    point = pointOf(seal);
    passedSeals += 1;
    seal = seals[passedSeals];
  }
  point = linkEvent(point, event);
  if (seal !== undefined && event.sequence === BigInt(seal.last)) {
    if (!isSamePoint(point, seal)) faults.push(altered(seal, seals[passedSeals - 1]));
    point = pointOf(seal);
    passedSeals += 1;
  }
  return { walk: { point, passedSeals }, faults };
}

/** What shows only at the end of a stream. */
export function endFaults(walk: ChainWalk, seals: readonly SealedPoint[]): readonly ChainFault[] {
  const seal = seals.at(-1);
  if (seal === undefined || walk.passedSeals >= seals.length) return [];
  const last = walk.point === null ? 'nothing' : walk.point.last;
  const detail = `it ends with ${last}, and was sealed up to ${seal.last}`;
  return [{ fault: 'AuditTruncated', sequence: seal.last, detail }];
}

/** Whether two chains are the same, event by event. */
export function isSamePoint(left: ChainPoint | null, right: ChainPoint | null): boolean {
  return left?.head === right?.head && left?.count === right?.count;
}

function orderFaults(
  walk: ChainWalk,
  event: ChainEvent,
  seals: readonly SealedPoint[],
): readonly ChainFault[] {
  const first = seals[0]?.first;
  const begins = first === undefined ? event.sequence : BigInt(first);
  const expected = walk.point === null ? begins : BigInt(walk.point.last) + 1n;
  const sequence = event.sequence.toString();
  if (event.sequence > expected) {
    const detail = `${expected} to ${event.sequence - 1n} are missing before it`;
    return [{ fault: 'AuditGap', sequence, detail }];
  }
  if (event.sequence === expected) return [];
  return [{ fault: 'AuditOrder', sequence, detail: `${expected} belongs here` }];
}

function altered(seal: SealedPoint, before: SealedPoint | undefined): ChainFault {
  const from = before === undefined ? seal.first : (BigInt(before.last) + 1n).toString();
  const detail = `the events ${from} to ${seal.last} are not those that were sealed`;
  return { fault: 'AuditAltered', sequence: seal.last, detail };
}
