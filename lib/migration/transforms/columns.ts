import type { FlatValue } from '../row.ts';
import { embeddingCodec } from './embedding-codec.ts';
import { jsonCodec } from './json-codecs.ts';
import { booleanCodec, integerCodec, textCodec } from './scalar-codecs.ts';
import type { ColumnCodec } from './shape.ts';
import type { ShapedColumn } from './shaped-table.ts';
import { timestampCodec } from './timestamp.ts';

/** `path` is where the value stands in the record, for example `metadata.created_at`. */
export function column(
  name: string,
  storage: ShapedColumn['storage'],
  path: string,
  codec: ColumnCodec,
): ShapedColumn {
  return { name, storage, nullable: false, path: path.split('.'), codec };
}

export function optional(required: ShapedColumn): ShapedColumn {
  return { ...required, nullable: true };
}

export function text(name: string, path: string): ShapedColumn {
  return column(name, 'text', path, textCodec);
}

export function integer(name: string, path: string): ShapedColumn {
  return column(name, 'integer', path, integerCodec);
}

export function boolean(name: string, path: string): ShapedColumn {
  return column(name, 'integer', path, booleanCodec);
}

/** Of any storage class: flat stores hold numbers and texts side by side. */
export function timestamp(name: string, path: string): ShapedColumn {
  return column(name, 'any', path, timestampCodec);
}

export function json(name: string, path: string, whenNull: unknown = null): ShapedColumn {
  return column(name, 'text', path, jsonCodec(whenNull));
}

export function embedding(name: string, path: string): ShapedColumn {
  return optional(column(name, 'blob', path, embeddingCodec));
}

/** What every table ends with. */
export const commonColumns: readonly ShapedColumn[] = [
  timestamp('updated_at', 'metadata.updated_at'),
  integer('version', 'metadata.version'),
  optional(text('checksum', 'metadata.checksum')),
  optional(text('organization_id', 'metadata.organization_id')),
];

export function textOf(value: FlatValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}
