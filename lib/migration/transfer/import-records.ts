import { parseExactJson } from '../../kernel/canonical-json.ts';
import type { Clock } from '../../kernel/clock.ts';
import { HalError } from '../../kernel/errors.ts';
import { convertRow, type RowConversion } from '../convert-image.ts';
import type { MigrationDefinition } from '../definition.ts';
import { recordPk } from '../key.ts';
import type { LargeBodies } from '../large-bodies.ts';
import type { FlatSource, TargetStore } from '../ports.ts';
import { sealRecord } from '../record-hash.ts';
import type { RecordVersion, TargetRecord } from '../record.ts';
import { tablesByType, type MigratedTable } from '../table-lookup.ts';
import type { MigrationIdentity } from './ports.ts';
import { decodeRecordLine, type TransferRecord } from './record-line.ts';
import { pieceOf, receiveLine, type TravellingLine } from './text-pieces.ts';
import { isOfItself } from './transform-line.ts';
import type { TransferOrigin } from './transfer-manifest.ts';

export interface ImportRecordsDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly identity: MigrationIdentity;
  readonly bodies: LargeBodies;
  readonly clock: Clock;
  /** The limits of this worker; `target` writes through it as well. */
  readonly throttle?: { refresh(): Promise<unknown>; isStopped(): boolean };
}

export interface ImportRequest {
  readonly origin: TransferOrigin;
  readonly lines: readonly TravellingLine[];
  /** Counts what would be written. */
  readonly dryRun: boolean;
}

export interface ImportAnswer {
  /** Lines that were dealt with, from the first; the others are sent again. */
  readonly taken: number;
  readonly written: number;
  /** Keys that the target held already, whatever they hold. */
  readonly kept: number;
  /** An operator or strict validation stopped the copy. */
  readonly stopped: boolean;
}

/** Records of one conditional batch. */
const batchSize = 25;

/**
 * Writes transformed records where the target has none, as the copy does with a page that it read when the rows were
 * exported: at their own version, or at the low watermark of the export, which no later change can be below. Whatever
 * a live change brought meanwhile stays, and what comes later replaces them.
 * Throws HalError `ImportForeign`, `ImportOutdated`, `ImportDamaged`.
 */
export async function importRecords(
  deps: ImportRecordsDeps,
  { origin, lines, dryRun }: ImportRequest,
  deadlineMs: number,
): Promise<ImportAnswer> {
  const present = await requireAdmissible(deps, origin);
  let [taken, written, kept] = [0, 0, 0];
  while (taken < lines.length) {
    await deps.throttle?.refresh();
    const stopped = deps.throttle?.isStopped() === true;
    if (stopped || deps.clock.nowMs() >= deadlineMs) return { taken, written, kept, stopped };
    const batch = lines.slice(taken, taken + batchSize);
    const records = distinct(await recordsOf(deps, origin, batch, present));
    const absent = await (dryRun ? countAbsent : insert)(deps, records);
    taken += batch.length;
    written += absent;
    kept += records.length - absent;
  }
  return { taken, written, kept, stopped: false };
}

async function recordsOf(
  deps: ImportRecordsDeps,
  origin: TransferOrigin,
  batch: readonly TravellingLine[],
  present: RecordVersion,
): Promise<readonly TargetRecord[]> {
  const records: TargetRecord[] = [];
  for (const travelling of batch) {
    const line = await receiveLine(travelling, (name) => pieceOf(deps.bodies, name));
    records.push(recordOf(deps, origin, line, present));
  }
  return records;
}

/**
 * Only rows of this migration, at its present epoch, and none from ahead of its change log, where a store stands that
 * was brought back from a copy of itself.
 */
async function requireAdmissible(
  { definition, source, identity }: ImportRecordsDeps,
  { migrationId, definition: name, category, watermark }: TransferOrigin,
): Promise<RecordVersion> {
  if (migrationId !== (await identity.id())) throw foreign('it was exported from another migration');
  if (name !== definition.name) throw foreign(`it holds records of ${name}, not of ${definition.name}`);
  const authority = await source.authority(category);
  if (authority.state !== 'open') {
    throw outdated(`flat has no authority over ${category} now (${authority.state})`);
  }
  if (authority.epoch !== watermark.epoch) {
    throw outdated(
      `authority over ${category} was switched since: it was at epoch ${watermark.epoch}, now it is at ${authority.epoch}`,
    );
  }
  const present = await source.lowWatermark(category);
  if (watermark.sequence > present.sequence) {
    throw foreign(
      `it is at position ${watermark.sequence} of the change log, and the store is at ${present.sequence}`,
    );
  }
  return present;
}

function recordOf(
  deps: ImportRecordsDeps,
  { category, watermark }: TransferOrigin,
  line: string,
  present: RecordVersion,
): TargetRecord {
  const decoded = decodeRecordLine(line);
  if (decoded.kind === 'damaged') throw damaged(decoded.reason);
  const { record } = decoded;
  const pk = recordPk(record.key);
  const table = tablesByType(deps.definition).get(record.key.recordType);
  if (table?.category !== category) throw damaged(`${pk} is no record of ${category}`);
  const version = record.version ?? watermark;
  if (version.epoch > present.epoch || version.sequence > present.sequence) {
    throw foreign(
      `${pk} is at position ${version.sequence} of the change log, which the store never reached`,
    );
  }
  const form = ownForm(deps, table, record);
  if (form === null) throw damaged(`${pk} is not what the transforms make of a row`);
  const { body, expiresAtS } = form;
  const expiry = expiresAtS === undefined ? {} : { expiresAtS };
  return sealRecord({ key: record.key, category, version, state: 'live', origin: 'flat', body, ...expiry });
}

/** What the copy would write too: turned back and converted again it is the same. */
function ownForm(
  { clock }: ImportRecordsDeps,
  table: MigratedTable,
  { body }: TransferRecord,
): Extract<RowConversion, { kind: 'converted' }> | null {
  if (!isOfItself(table)) return null;
  try {
    const again = convertRow(table.transform.restore(parseExactJson(body)), table, clock.nowMs());
    return again.kind === 'converted' && again.body === body ? again : null;
  } catch {
    return null;
  }
}

/** A batch of conditional writes names each key once. */
function distinct(records: readonly TargetRecord[]): readonly TargetRecord[] {
  return [...new Map(records.map((record) => [recordPk(record.key), record])).values()];
}

async function insert({ target }: ImportRecordsDeps, records: readonly TargetRecord[]): Promise<number> {
  const outcomes = await target.insertIfAbsent(records);
  return outcomes.filter((outcome) => outcome === 'written').length;
}

async function countAbsent({ target }: ImportRecordsDeps, records: readonly TargetRecord[]): Promise<number> {
  const stored = await target.read(records.map(({ key }) => key));
  return records.length - stored.size;
}

function foreign(reason: string): HalError {
  return new HalError({
    name: 'ImportForeign',
    message: `The export cannot be imported here: ${reason}.`,
    remedy: 'Export from the flat store of this migration with `hal9-migrate learning export`.',
    exit: 'conflict',
    facts: { reason },
  });
}

function outdated(reason: string): HalError {
  return new HalError({
    name: 'ImportOutdated',
    message: `The export cannot be imported any more: ${reason}.`,
    remedy: 'Export again while flat has authority; under hierarchical authority nothing is imported.',
    exit: 'conflict',
    facts: { reason },
  });
}

function damaged(reason: string): HalError {
  return new HalError({
    name: 'ImportDamaged',
    message: `A record of the import is not what was transformed: ${reason}.`,
    remedy: 'Transform the export again with `hal9-migrate learning transform`.',
    exit: 'conflict',
    facts: { reason },
  });
}
