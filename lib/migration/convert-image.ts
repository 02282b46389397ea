import { canonicalJson } from '../kernel/canonical-json.ts';
import type { Conversion } from './definition.ts';
import type { QuarantineEntry, SourceImage } from './ports.ts';
import { maxBodyBytes } from './large-bodies.ts';
import { sealRecord } from './record-hash.ts';
import type { RecordVersion, TargetRecord } from './record.ts';
import { encodeRow } from './row-encoding.ts';
import type { FlatRow, RecordKey } from './row.ts';
import type { MigratedTable } from './table-lookup.ts';

/** Longest part of a raw row that a quarantine entry keeps, in characters. */
const maxRawCharacters = 90_000;

type QuarantineFault = Omit<QuarantineEntry, 'attempts'>;

export type ConvertedImage =
  | { readonly kind: 'record'; readonly record: TargetRecord }
  /** The row has no hierarchical form; `record` is the marker that holds its place and version on the target. */
  | { readonly kind: 'quarantined'; readonly record: TargetRecord; readonly fault: QuarantineFault };

/**
 * The target's form of one image. Pure: the same content at the same version gives the same record.
 * An absent row is a tombstone. An image without log entry is stamped with `lowWatermark`, which no later
 * change can be below; without one (live apply), every image has a version of its own.
 */
export function convertImage(
  image: SourceImage,
  table: MigratedTable,
  context: { readonly nowMs: number; readonly lowWatermark?: RecordVersion },
): ConvertedImage {
  const version = image.version ?? context.lowWatermark;
  if (version === undefined) throw new TypeError(`image of ${image.key.recordType} has no version`);
  const { key } = image;
  if (image.row === null) {
    return { kind: 'record', record: placeholder({ key, version }, table, 'tombstone') };
  }
  const conversion = convertRow(image.row, table, context.nowMs);
  if (conversion.kind === 'rejected') {
    return quarantineImage({ key, version, row: image.row }, table, { ...conversion, nowMs: context.nowMs });
  }
  return {
    kind: 'record',
    record: sealRecord({
      key,
      category: table.category,
      version,
      state: 'live',
      origin: 'flat',
      body: conversion.body,
      ...(conversion.expiresAtS === undefined ? {} : { expiresAtS: conversion.expiresAtS }),
    }),
  };
}

/** Marker and entry of a row that cannot be converted, or that is too large to travel (`row` null). */
export function quarantineImage(
  image: { readonly key: RecordKey; readonly version: RecordVersion; readonly row: FlatRow | null },
  table: MigratedTable,
  fault: {
    readonly errorName: string;
    readonly message: string;
    readonly nowMs: number;
    readonly lengthBytes?: number;
  },
): ConvertedImage {
  const raw = image.row === null ? '' : encodeRow(image.row);
  return {
    kind: 'quarantined',
    record: placeholder(image, table, 'quarantined'),
    fault: {
      key: image.key,
      category: table.category,
      version: image.version,
      errorName: fault.errorName,
      errorMessage: fault.message,
      rawRow: raw.slice(0, maxRawCharacters),
      rawLengthBytes: fault.lengthBytes ?? Buffer.byteLength(raw),
      firstSeenAtMs: fault.nowMs,
    },
  };
}

export type RowConversion =
  | { readonly kind: 'converted'; readonly body: string; readonly expiresAtS?: number }
  | { readonly kind: 'rejected'; readonly errorName: string; readonly message: string };

/** The transform with its result as canonical text; whatever has no exact text is rejected, never a crash. */
export function convertRow(row: FlatRow, table: MigratedTable, nowMs: number): RowConversion {
  try {
    const conversion = table.transform.convert(row, { nowMs });
    return conversion.kind === 'rejected' ? conversion : withCanonicalBody(conversion);
  } catch (error) {
    // A row must never stop the run, whatever a transform thinks of it.
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    return { kind: 'rejected', errorName: name, message };
  }
}

function withCanonicalBody(conversion: Extract<Conversion, { kind: 'converted' }>): RowConversion {
  const body = canonicalJson(conversion.record.body);
  const length = Buffer.byteLength(body);
  if (length > maxBodyBytes) {
    return {
      kind: 'rejected',
      errorName: 'RecordTooLarge',
      message: `the hierarchical record has ${length} bytes, the most is ${maxBodyBytes}`,
    };
  }
  const { expiresAtS } = conversion.record;
  return { kind: 'converted', body, ...(expiresAtS === undefined ? {} : { expiresAtS }) };
}

function placeholder(
  image: { readonly key: RecordKey; readonly version: RecordVersion },
  table: MigratedTable,
  state: 'tombstone' | 'quarantined',
): TargetRecord {
  const { key, version } = image;
  return sealRecord({ key, category: table.category, version, state, origin: 'flat', body: null });
}
