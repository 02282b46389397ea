import type { Clock } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import type { Category } from './category.ts';
import { convertImage, quarantineImage, type ConvertedImage } from './convert-image.ts';
import type { MigrationDefinition } from './definition.ts';
import { writeIsolating } from './isolate-refused.ts';
import { decodeKey, recordPk } from './key.ts';
import type { LargeBodies } from './large-bodies.ts';
import type {
  ChangeMessage,
  QuarantineStore,
  RangeCounts,
  SourceImage,
  TargetStore,
  WriteOutcome,
} from './ports.ts';
import type { RecordVersion } from './record.ts';
import { decodeRow } from './row-encoding.ts';
import type { FlatRow, RecordKey } from './row.ts';
import { tableOf } from './table-lookup.ts';

export interface WriteImagesDeps {
  readonly definition: MigrationDefinition;
  readonly target: TargetStore;
  readonly quarantine: QuarantineStore;
  readonly clock: Clock;
  /** Where rows are that fit no message. */
  readonly bodies?: LargeBodies;
}

/** Records of one conditional batch. */
const batchSize = 25;
/** Batches of one page under way; their keys are distinct, so their order does not matter. */
const batchesAtOnce = 6;

/** Backfill of one page: rows without version of their own carry the page's low watermark; what is there stays. */
export async function backfillImages(
  deps: WriteImagesDeps,
  images: readonly SourceImage[],
  lowWatermark: RecordVersion,
): Promise<RangeCounts> {
  const nowMs = deps.clock.nowMs();
  const converted = images.map((image) => ({
    ...convertImage(image, tableOf(deps.definition, image.key.recordType), { nowMs, lowWatermark }),
    row: image.row,
  }));
  const { counts } = await writeBatches(deps, converted, (records) => deps.target.insertIfAbsent(records));
  return counts;
}

/** Live apply of one slice of the change log: each image replaces what is older. */
export async function applyImages(
  deps: WriteImagesDeps,
  category: Category,
  slice: Pick<ChangeMessage, 'images' | 'oversized'>,
): Promise<RangeCounts> {
  const nowMs = deps.clock.nowMs();
  const converted = [
    ...slice.images.map((image) => ({
      ...convertImage(image, tableOf(deps.definition, image.key.recordType), { nowMs }),
      row: image.row,
    })),
    ...slice.oversized
      .filter(({ rowName }) => rowName === undefined)
      .map((row) => ({ ...quarantineOversized(deps.definition, row, nowMs), row: null })),
  ];
  const { counts, settled } = await writeBatches(deps, converted, (records) =>
    deps.target.applyVersioned(records),
  );
  await resolveConverted(deps.quarantine, category, settled);
  return await applyLarge(deps, category, slice.oversized, counts);
}

/** Rows that did not fit the message, one at a time: several of them may be more than a worker can hold. */
async function applyLarge(
  deps: WriteImagesDeps,
  category: Category,
  oversized: ChangeMessage['oversized'],
  before: RangeCounts,
): Promise<RangeCounts> {
  let counts = before;
  for (const { key, version, rowName } of oversized) {
    if (rowName === undefined) continue;
    const text = await deps.bodies?.get(rowName);
    if (text === undefined || text === null) throw bodyUnavailable(key, rowName);
    const image = { key, keyParts: decodeKey(key.id), row: decodeRow(text), version };
    counts = addCounts(counts, await applyImages(deps, category, { images: [image], oversized: [] }));
  }
  return counts;
}

function addCounts(left: RangeCounts, right: RangeCounts): RangeCounts {
  return {
    read: left.read + right.read,
    written: left.written + right.written,
    kept: left.kept + right.kept,
    quarantined: left.quarantined + right.quarantined,
  };
}

/** The batch stays open, and whoever sends it again puts the row again. */
function bodyUnavailable(key: RecordKey, name: string): HalError {
  return new HalError({
    name: 'BodyUnavailable',
    message: `The row of ${recordPk(key)} is not among the large bodies, under ${name}.`,
    remedy: 'Nothing is lost: the change is sent again with its row. If it stays, look at the bucket.',
    exit: 'unavailable',
    facts: { key, body: name },
  });
}

/** A conversion with the row that it was made of. */
type Written = ConvertedImage & { readonly row: FlatRow | null };

type WriteRecords = (records: readonly ConvertedImage['record'][]) => Promise<readonly WriteOutcome[]>;

async function writeBatches(
  deps: WriteImagesDeps,
  converted: readonly Written[],
  write: WriteRecords,
): Promise<{ readonly counts: RangeCounts; readonly settled: readonly ConvertedImage[] }> {
  const batches = Array.from({ length: Math.ceil(converted.length / batchSize) }, (_, at) =>
    converted.slice(at * batchSize, (at + 1) * batchSize),
  );
  const results = (
    await mapBounded(batches, batchesAtOnce, (batch) => writeBatch(deps, batch, write))
  ).flat();
  const written = results.filter(({ outcome }) => outcome === 'written').length;
  const settled = results.map(({ image }) => image);
  const quarantined = settled.filter(({ kind }) => kind === 'quarantined').length;
  const counts = { read: converted.length, written, kept: converted.length - written, quarantined };
  return { counts, settled };
}

interface WrittenImage {
  readonly image: ConvertedImage;
  readonly outcome: WriteOutcome;
}

async function writeBatch(
  deps: WriteImagesDeps,
  batch: readonly Written[],
  write: WriteRecords,
): Promise<readonly WrittenImage[]> {
  // The entry comes before its marker: a crash between them leaves an entry that the repetition finds again.
  await putFaults(deps.quarantine, batch);
  const results = await writeIsolating(
    batch,
    async (part) => {
      const outcomes = await write(part.map(({ record }) => record));
      return part.map((image, at): WrittenImage => ({ image, outcome: outcomes[at] ?? 'kept-newer' }));
    },
    (image, fault) => isolate(deps, image, fault, write),
  );
  await dropOutdatedFaults(
    deps,
    results.map(({ image }) => image),
    results.map(({ outcome }) => outcome),
  );
  return results;
}

/**
 * A record that the store refuses for good goes to quarantine. Its marker is written by the same way, which also tells
 * that it is the record that is refused: where the store takes nothing at all the marker fails too, and with it the batch.
 */
async function isolate(
  deps: WriteImagesDeps,
  { record: { key, version }, row }: Written,
  fault: Error,
  write: WriteRecords,
): Promise<WrittenImage> {
  const image = quarantineImage({ key, version, row }, tableOf(deps.definition, key.recordType), {
    errorName: fault.name,
    message: fault.message,
    nowMs: deps.clock.nowMs(),
  });
  await putFaults(deps.quarantine, [image]);
  const [outcome = 'kept-newer'] = await write([image.record]);
  return { image, outcome };
}

async function putFaults(quarantine: QuarantineStore, batch: readonly ConvertedImage[]): Promise<void> {
  for (const image of batch) {
    if (image.kind === 'quarantined') await quarantine.put(image.fault);
  }
}

/** A marker that came too late: the key holds something else by now, so its entry must not stay. */
async function dropOutdatedFaults(
  { target, quarantine }: WriteImagesDeps,
  batch: readonly ConvertedImage[],
  outcomes: readonly WriteOutcome[],
): Promise<void> {
  const late = batch.filter(({ kind }, at) => kind === 'quarantined' && outcomes[at] === 'kept-newer');
  if (late.length === 0) return;
  const stored = await target.read(late.map(({ record }) => record.key));
  for (const record of stored.values()) {
    if (record.state === 'quarantined') continue;
    await quarantine.resolve(record.key, record.category, record.version);
  }
}

/** Keys that convert now may have been in quarantine before. */
async function resolveConverted(
  quarantine: QuarantineStore,
  category: Category,
  converted: readonly ConvertedImage[],
): Promise<void> {
  const records = converted.flatMap(({ kind, record }) => (kind === 'record' ? [record] : []));
  const versions = new Map(records.map(({ key, version }) => [recordPk(key), version]));
  const held = await quarantine.find(
    category,
    records.map(({ key }) => key),
  );
  for (const key of held) {
    const version = versions.get(recordPk(key));
    if (version !== undefined) await quarantine.resolve(key, category, version);
  }
}

function quarantineOversized(
  definition: MigrationDefinition,
  row: ChangeMessage['oversized'][number],
  nowMs: number,
): ConvertedImage {
  return quarantineImage({ ...row, row: null }, tableOf(definition, row.key.recordType), {
    errorName: 'RowTooLarge',
    message: `the row has ${row.lengthBytes} bytes and fits no message`,
    nowMs,
    lengthBytes: row.lengthBytes,
  });
}
