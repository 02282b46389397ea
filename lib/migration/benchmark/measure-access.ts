import type { Clock } from '../../kernel/clock.ts';
import type { FlatWriter } from '../backup/ports.ts';
import type { Category } from '../category.ts';
import type { Conversion, MigrationDefinition } from '../definition.ts';
import { recordPk } from '../key.ts';
import type { FlatSource, SourceImage, TargetStore } from '../ports.ts';
import type { StoredRecord } from '../record.ts';
import { tablesOf } from '../table-lookup.ts';

/** read: by key. write: the record is stored again as it is. update: it is read, then stored again. */
export const accessOperations = ['read', 'write', 'update'] as const;
export type AccessOperation = (typeof accessOperations)[number];

const accessSystems = ['flat', 'hierarchical'] as const;
export type AccessSystem = (typeof accessSystems)[number];

export interface MeasureAccessDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly flatWriter: FlatWriter;
  readonly target: TargetStore;
  readonly clock: Clock;
  /** Milliseconds, with fractions, from any beginning. */
  readonly stopwatch: { nowMs(): number };
}

export interface AccessRequest {
  readonly category: Category;
  readonly operations: readonly AccessOperation[];
  /** Records of each record type that are asked for at most. */
  readonly samples: number;
}

export interface AccessMeasure {
  readonly system: AccessSystem;
  readonly operation: AccessOperation;
  /** In the order measured. */
  readonly latenciesMs: readonly number[];
  /** Why there is none, or not one for each sample. */
  readonly skipped: string | null;
}

/**
 * Times single operations on both sides, one after the other and side by side, so that both meet the same load.
 * Nothing changes: what is written is what was read, conditionally, so that a write of a user in between wins.
 */
export function makeMeasureAccess(
  deps: MeasureAccessDeps,
): (request: AccessRequest) => Promise<readonly AccessMeasure[]> {
  return async ({ category, operations, samples }) => {
    const images = await sampleImages(deps, category, samples);
    const measures: AccessMeasure[] = [];
    for (const operation of operations)
      measures.push(...(await measureBoth(deps, category, operation, images)));
    return measures;
  };
}

/** Records that a system may be asked for: neither expired, nor about to, nor in quarantine. */
async function sampleImages(
  { definition, source, clock }: MeasureAccessDeps,
  category: Category,
  samples: number,
): Promise<readonly SourceImage[]> {
  const images: SourceImage[] = [];
  const nowMs = clock.nowMs();
  for (const { recordType, transform } of tablesOf(definition, category)) {
    const page = await source.readRange(recordType, { after: null, upTo: null }, samples);
    images.push(
      ...page.images.filter(({ row }) => row !== null && isLive(transform.convert(row, { nowMs }), nowMs)),
    );
  }
  return images;
}

const soonMs = 60_000;

function isLive(conversion: Conversion, nowMs: number): boolean {
  if (conversion.kind === 'rejected') return false;
  const { expiresAtS } = conversion.record;
  return expiresAtS === undefined || expiresAtS * 1000 > nowMs + soonMs;
}

async function measureBoth(
  deps: MeasureAccessDeps,
  category: Category,
  operation: AccessOperation,
  images: readonly SourceImage[],
): Promise<readonly AccessMeasure[]> {
  const found = {
    flat: { latenciesMs: [] as number[], skipped: emptyReason(images) },
    hierarchical: { latenciesMs: [] as number[], skipped: emptyReason(images) },
  };
  for (const image of images) {
    for (const system of accessSystems) {
      const side = found[system];
      const outcome =
        system === 'flat'
          ? await timeFlat(deps, category, operation, image)
          : await timeHierarchical(deps, operation, image);
      if (outcome.kind === 'timed') side.latenciesMs.push(outcome.tookMs);
      else side.skipped = outcome.why;
    }
  }
  return accessSystems.map((system) => ({ system, operation, ...found[system] }));
}

function emptyReason(images: readonly SourceImage[]): string | null {
  return images.length === 0 ? 'there are no records' : null;
}

type Timed =
  | { readonly kind: 'timed'; readonly tookMs: number }
  | { readonly kind: 'skipped'; readonly why: string };

async function timeFlat(
  { source, flatWriter, stopwatch }: MeasureAccessDeps,
  category: Category,
  operation: AccessOperation,
  { key }: SourceImage,
): Promise<Timed> {
  const before = stopwatch.nowMs();
  const { images } = await source.readCurrent(category, [key]);
  const readMs = stopwatch.nowMs() - before;
  const [image] = images;
  if (image === undefined || image.row === null) return skipped('a record was deleted meanwhile');
  if (operation === 'read') return timed(readMs);
  const authority = await source.authority(category);
  if (authority.state !== 'open') return skipped('flat has no authority, and takes no writes');
  const { epoch } = authority;
  const writtenFrom = stopwatch.nowMs();
  const { row, version } = image;
  const outcome = await flatWriter.writeIf({ category, key, row }, { epoch, version });
  const writeMs = stopwatch.nowMs() - writtenFrom;
  if (outcome.kind !== 'written') return skipped(`flat refused a write: ${outcome.kind}`);
  return timed(operation === 'write' ? writeMs : readMs + writeMs);
}

async function timeHierarchical(
  { target, stopwatch }: MeasureAccessDeps,
  operation: AccessOperation,
  { key }: SourceImage,
): Promise<Timed> {
  const before = stopwatch.nowMs();
  const stored = (await target.read([key])).get(recordPk(key));
  const readMs = stopwatch.nowMs() - before;
  if (stored === undefined) return skipped('a record is not copied yet');
  if (operation === 'read') return timed(readMs);
  const record = rewritable(stored);
  if (record === null) return skipped('a record is no live one');
  const writtenFrom = stopwatch.nowMs();
  const [outcome] = await target.repair([record]);
  const writeMs = stopwatch.nowMs() - writtenFrom;
  if (outcome !== 'written') return skipped('a record was written meanwhile');
  return timed(operation === 'write' ? writeMs : readMs + writeMs);
}

/** Damaged records are left as evidence; the others are put as they were found. */
function rewritable({ intact, ...record }: StoredRecord) {
  return intact && record.state === 'live' ? record : null;
}

function timed(tookMs: number): Timed {
  return { kind: 'timed', tookMs };
}

function skipped(why: string): Timed {
  return { kind: 'skipped', why };
}
