import type { Clock } from '../kernel/clock.ts';
import { convertImage } from './convert-image.ts';
import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';
import type { FlatSource, KeyRange, SourceImage } from './ports.ts';
import { pricesOf, type Prices } from './prices.ts';
import type { MigrationSettings } from './settings.ts';
import type { MigratedTable } from './table-lookup.ts';
import { recordBytes } from './worker-throttle.ts';
import { largestSlice, sliceLifeMs, writeUnits } from './write-budget.ts';

interface CategoryForecast {
  readonly category: Category;
  readonly records: number;
  /** Records that were converted and measured; the rest is taken to be like them. */
  readonly sampled: number;
  readonly storedBytes: number;
  readonly writeUnits: number;
}

/** What holds the copy back most. */
type Bottleneck = 'table' | 'budget' | 'rate-limit' | 'workers';

export interface StateForecast {
  readonly categories: readonly CategoryForecast[];
  readonly records: number;
  readonly storedBytes: number;
  readonly writeUnits: number;
  readonly seconds: number;
  readonly boundBy: Bottleneck;
  readonly recordsPerSecond: number;
  readonly region: string;
  /** null, as the cost, where the prices of the Region are not known. */
  readonly prices: Prices | null;
  readonly costUsd: CopyCost | null;
}

interface CopyCost {
  readonly writes: number;
  readonly verification: number;
  readonly queues: number;
  readonly functions: number;
  readonly total: number;
  /** Of the copy, for as long as it stays. */
  readonly storagePerMonth: number;
}

export interface ForecastDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly clock: Clock;
}

/** A cold on-demand table; doubled again and again it reaches ten times as much within half an hour. */
const coldTableUnitsPerSecond = 4_000;
/** What one sandbox wrote in `bench/state.ts`. */
const workerRecordsPerSecond = 1_500;
const functionGb = 0.5;
const samplesPerTable = 4;
const rowsPerSample = 25;

/** Counts every table, converts a few rows of it and reckons time, units and money; changes nothing. */
export async function forecastState(
  deps: ForecastDeps,
  given: {
    readonly settings: MigrationSettings;
    readonly region: string;
    readonly workers: number;
    readonly recordTypes?: readonly string[] | undefined;
  },
): Promise<StateForecast> {
  const tables = deps.definition.tables.filter(
    ({ recordType }) => given.recordTypes === undefined || given.recordTypes.includes(recordType),
  );
  const byCategory = new Map<Category, CategoryForecast>();
  for (const table of tables) {
    const measured = await measureTable(deps, table);
    byCategory.set(table.category, added(byCategory.get(table.category), measured));
  }
  return reckon([...byCategory.values()], given);
}

async function measureTable(deps: ForecastDeps, table: MigratedTable): Promise<CategoryForecast> {
  const { recordType, category } = table;
  const records = await deps.source.countRows(recordType);
  const images = records === 0 ? [] : await sampleImages(deps.source, recordType, records);
  const nowMs = deps.clock.nowMs();
  const sizes = images
    .map((image) => convertImage(image, table, { nowMs, lowWatermark: { epoch: 1, sequence: 0 } }))
    .map(({ record }) => recordBytes(record));
  const scale = sizes.length === 0 ? 0 : records / sizes.length;
  return {
    category,
    records,
    sampled: sizes.length,
    storedBytes: Math.round(sum(sizes) * scale),
    writeUnits: Math.round(sum(sizes.map(writeUnits)) * scale),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}

/** From several places of the table, since rows written together are alike. */
async function sampleImages(
  source: FlatSource,
  recordType: string,
  rows: number,
): Promise<readonly SourceImage[]> {
  const images: SourceImage[] = [];
  const ranges: KeyRange[] = [];
  for await (const range of source.planRanges(recordType, Math.ceil(rows / samplesPerTable)))
    ranges.push(range);
  for (const range of ranges.slice(0, samplesPerTable)) {
    const page = await source.readRange(recordType, range, rowsPerSample);
    images.push(...page.images);
  }
  return images;
}

function added(sum: CategoryForecast | undefined, more: CategoryForecast): CategoryForecast {
  if (sum === undefined) return more;
  return {
    category: sum.category,
    records: sum.records + more.records,
    sampled: sum.sampled + more.sampled,
    storedBytes: sum.storedBytes + more.storedBytes,
    writeUnits: sum.writeUnits + more.writeUnits,
  };
}

function reckon(
  categories: readonly CategoryForecast[],
  given: { readonly settings: MigrationSettings; readonly region: string; readonly workers: number },
): StateForecast {
  const total = (pick: (category: CategoryForecast) => number): number => sum(categories.map(pick));
  const records = total((category) => category.records);
  const units = total((category) => category.writeUnits);
  const storedBytes = total((category) => category.storedBytes);
  const { boundBy, recordsPerSecond, workers } = slowest(given, records === 0 ? 1 : units / records);
  const seconds = records / recordsPerSecond;
  const prices = pricesOf(given.region);
  const copy = { records, units, storedBytes, workerSeconds: seconds * workers, given };
  return {
    categories,
    records,
    storedBytes,
    writeUnits: units,
    seconds,
    boundBy,
    recordsPerSecond,
    region: given.region,
    prices,
    costUsd: prices === null ? null : costOf(prices, copy),
  };
}

function slowest(
  { settings, workers: deployed }: { readonly settings: MigrationSettings; readonly workers: number },
  unitsPerRecord: number,
): { readonly boundBy: Bottleneck; readonly recordsPerSecond: number; readonly workers: number } {
  const workers = Math.min(deployed, settings.parallelWorkers ?? deployed);
  const { writeUnitsPerSecond: budget, rateLimitPerWorker } = settings;
  const limits: { boundBy: Bottleneck; recordsPerSecond: number }[] = [
    { boundBy: 'table', recordsPerSecond: coldTableUnitsPerSecond / unitsPerRecord },
    { boundBy: 'workers', recordsPerSecond: workers * workerRecordsPerSecond },
  ];
  if (budget !== null) {
    const pace = ((budget - largestSlice(budget)) * 1_000) / (1_000 + sliceLifeMs);
    limits.push({ boundBy: 'budget', recordsPerSecond: pace / unitsPerRecord });
  }
  if (rateLimitPerWorker !== null) {
    limits.push({ boundBy: 'rate-limit', recordsPerSecond: workers * rateLimitPerWorker });
  }
  const least = limits.reduce((low, limit) => (limit.recordsPerSecond < low.recordsPerSecond ? limit : low));
  return { ...least, workers };
}

function costOf(
  prices: Prices,
  copy: {
    readonly records: number;
    readonly units: number;
    readonly storedBytes: number;
    readonly workerSeconds: number;
    readonly given: { readonly settings: MigrationSettings };
  },
): CopyCost {
  const ranges = Math.ceil(copy.records / copy.given.settings.batchSize);
  // Of a range: its item, its place in the list, lease, four checkpoints and completion, a unit each.
  const writes = ((copy.units + ranges * 8) * prices.perMillionWriteUnits) / 1e6;
  // One strongly consistent scan: a unit for each 4 KB.
  const verification = ((copy.storedBytes / 4_096) * prices.perMillionReadUnits) / 1e6;
  // Sent, received, deleted.
  const queues = (ranges * 3 * prices.perMillionQueueRequests) / 1e6;
  const functions = copy.workerSeconds * functionGb * prices.functionPerGbSecond;
  const total = writes + verification + queues + functions;
  const storagePerMonth = (copy.storedBytes / 2 ** 30) * prices.storagePerGbMonth;
  return { writes, verification, queues, functions, total, storagePerMonth };
}
