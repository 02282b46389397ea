import type { MigratedTable } from '../migration/table-lookup.ts';
import { sourceRejected } from '../migration/source-rejected.ts';

const suffix = /\.(jsonl|ndjson)$/;

/** Other files in the same place are left alone. */
export function isSourceFile(name: string): boolean {
  return suffix.test(name);
}

/** Rows in a form that is not read must not be missing silently. */
export function requireReadableNames(place: string, names: readonly string[]): void {
  const packed = names.filter((name) => /\.(jsonl|ndjson)\.[a-z0-9]+$/i.test(name) || /\.csv$/i.test(name));
  const isNone = !names.some((name) => isSourceFile(name));
  if (packed.length === 0 && !isNone) return;
  throw sourceRejected(place, [
    ...packed.map((name) => `${name} is no plain JSON Lines file (decompress or convert it)`),
    ...(isNone ? ['there is no .jsonl or .ndjson file'] : []),
  ]);
}

/**
 * The table whose rows a file holds, by its name: `users.jsonl`, `users-0001.jsonl`, `users.1.jsonl`, or anything in
 * a folder `users/`. null for a file whose lines name their tables.
 */
export function tableOfFile(tables: readonly MigratedTable[], name: string): MigratedTable | null {
  const parts = name.replace(suffix, '').split('/');
  const file = parts.at(-1) ?? '';
  const folders = parts.slice(0, -1).toReversed();
  const named = (isNamed: (table: string) => boolean): MigratedTable | undefined =>
    tables.find(({ table }) => isNamed(table));
  return (
    named((table) => table === file) ??
    named((table) => isPart(table, file)) ??
    folders.map((folder) => named((table) => table === folder)).find((table) => table !== undefined) ??
    null
  );
}

function isPart(table: string, file: string): boolean {
  return file.startsWith(table) && /^[-.](?:part[-.]?)?\d+$/.test(file.slice(table.length));
}
