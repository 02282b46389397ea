import { bucketCount } from './bucket.ts';

/** Every key has one cell in each table; the first table's cells are the buckets. */
const tableCount = 3;
/** Sum of the terms (8), count, and two sums weighted by the key, which show whose term a cell holds. */
const laneCount = 11;
const termLanes = 8;
const countLane = 8;
const weightLane = 9;

/**
 * The difference of two sets of records: what one side adds, the other subtracts, in lanes of 32 bits. Equal sets
 * leave every cell at zero, and sums with a count do not let a pair of equal terms vanish, as XOR would. 540 KB.
 */
export type DigestCells = Uint32Array;

export function emptyCells(): DigestCells {
  return new Uint32Array(tableCount * bucketCount * laneCount);
}

/** Bucket of a key by its sha256: the first 12 bits. */
export function bucketOfHash(keyHash: Uint8Array): number {
  return cellAt(keyHash, 0);
}

/** Adds (1) or subtracts (-1) one record. Both hashes are sha256. */
export function addTerm(cells: DigestCells, keyHash: Buffer, term: Buffer, sign: 1 | -1): void {
  for (let table = 0; table < tableCount; table += 1) {
    const from = (table * bucketCount + cellAt(keyHash, table)) * laneCount;
    for (let lane = 0; lane < termLanes; lane += 1) {
      add(cells, from + lane, sign * term.readInt32LE(lane * 4));
    }
    add(cells, from + countLane, sign);
    add(cells, from + weightLane, sign * Math.imul(weightAt(keyHash, 0), term.readInt32LE(0)));
    add(cells, from + weightLane + 1, sign * Math.imul(weightAt(keyHash, 1), term.readInt32LE(4)));
  }
}

/**
 * Takes the terms of `keyHashes` out of the cells, whatever they are: a cell that holds the term of only one of these
 * keys tells it. A cell that holds anything else fails the check of its weights and stays as it is, so nothing that
 * is not of these keys can disappear. Terms of keys that share all their cells with others stay, too.
 */
export function removeKeys(cells: DigestCells, keyHashes: readonly Buffer[]): void {
  const holders = new Map<number, Set<Buffer>>();
  for (const keyHash of keyHashes) {
    for (const cell of cellsOf(keyHash)) {
      const present = holders.get(cell);
      if (present === undefined) holders.set(cell, new Set([keyHash]));
      else present.add(keyHash);
    }
  }
  const open = [...holders.keys()];
  for (let cell = open.pop(); cell !== undefined; cell = open.pop()) {
    const [keyHash, ...others] = holders.get(cell) ?? [];
    if (keyHash === undefined || others.length > 0 || !holdsOnly(cells, cell, keyHash)) continue;
    subtractFrom(cells, cell, keyHash);
    for (const mine of cellsOf(keyHash)) {
      holders.get(mine)?.delete(keyHash);
      open.push(mine);
    }
  }
}

/** Buckets in which the sides differ. */
export function differingBuckets(cells: DigestCells): ReadonlySet<number> {
  const differing = new Set<number>();
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    if (isDiffering(cells, bucket)) differing.add(bucket);
  }
  return differing;
}

export function isDiffering(cells: DigestCells, bucket: number): boolean {
  for (let at = bucket * laneCount; at < (bucket + 1) * laneCount; at += 1) {
    if (cells[at] !== 0) return true;
  }
  return false;
}

function cellAt(keyHash: Uint8Array, table: number): number {
  const at = table * 2;
  return ((keyHash[at] ?? 0) << 4) | ((keyHash[at + 1] ?? 0) >> 4);
}

function weightAt(keyHash: Buffer, lane: 0 | 1): number {
  return keyHash.readInt32LE(8 + lane * 4) | 1;
}

function cellsOf(keyHash: Buffer): readonly number[] {
  return [0, 1, 2].map((table) => table * bucketCount + cellAt(keyHash, table));
}

/** At most one record of this key, on one side or with one content on each. */
function holdsOnly(cells: DigestCells, cell: number, keyHash: Buffer): boolean {
  const from = cell * laneCount;
  const count = (cells[from + countLane] ?? 0) | 0;
  if (Math.abs(count) > 1) return false;
  return [0, 1].every((lane) => {
    const weighted = Math.imul(weightAt(keyHash, lane as 0 | 1), cells[from + lane] ?? 0) >>> 0;
    return weighted === cells[from + weightLane + lane];
  });
}

function subtractFrom(cells: DigestCells, cell: number, keyHash: Buffer): void {
  const held = cells.slice(cell * laneCount, (cell + 1) * laneCount);
  for (const mine of cellsOf(keyHash)) {
    for (let lane = 0; lane < laneCount; lane += 1) add(cells, mine * laneCount + lane, -(held[lane] ?? 0));
  }
}

/** Modulo 2^32, as every lane. */
function add(cells: DigestCells, at: number, value: number): void {
  cells[at] = (cells[at] ?? 0) + value;
}
