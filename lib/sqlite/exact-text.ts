import { isUtf8 } from 'node:buffer';

import type { FlatValue } from '../migration/row.ts';
import type { Cells, Connection } from './connection.ts';

// SQLite does not check that TEXT is UTF-8, and the driver replaces what is not. Bytes that are no UTF-8 are carried
// as lone surrogates U+DC80..U+DCFF (as Python's `surrogateescape` does), which no valid text can hold.

const replacement = '\uFFFD';

/** Text of arbitrary bytes; valid UTF-8 as it is, other bytes escaped. */
export function textOfBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  let text = '';
  for (let at = 0; at < buffer.length;) {
    const length = validLength(buffer, at);
    text +=
      length === 0
        ? String.fromCharCode(0xdc00 + (buffer[at] ?? 0))
        : buffer.toString('utf8', at, at + length);
    at += Math.max(1, length);
  }
  return text;
}

/** Inverse of `textOfBytes`. Throws TypeError on other lone surrogates: they have no bytes. */
export function bytesOfText(text: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) parts.push(Uint8Array.of(code - 0xdc00));
    else if (code >= 0xd800 && code <= 0xdfff) throw new TypeError('a text holds a lone surrogate');
    else parts.push(Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** SQL for one value, and what to bind to it. */
export function boundValue(value: FlatValue): { readonly sql: string; readonly parameter: FlatValue } {
  return typeof value === 'string' && !value.isWellFormed()
    ? { sql: 'CAST(? AS TEXT)', parameter: bytesOfText(value) }
    : { sql: '?', parameter: value };
}

/**
 * Reads rows without loss. `rest` is everything behind the select list. Must run inside a transaction: rows with
 * doubtful texts are read a second time, as bytes.
 */
export function readExact(
  connection: Connection,
  expressions: readonly string[],
  rest: string,
  parameters: readonly FlatValue[],
): readonly Cells[] {
  const rows = connection.all(`SELECT ${expressions.join(', ')} ${rest}`, parameters);
  if (!rows.some((cells) => cells.some(isDoubtful))) return rows;
  const asBytes = expressions.map(
    (expression) =>
      `CASE typeof(${expression}) WHEN 'text' THEN CAST(${expression} AS BLOB) ELSE ${expression} END`,
  );
  const types = expressions.map((expression) => `typeof(${expression})`);
  return connection
    .all(`SELECT ${[...asBytes, ...types].join(', ')} ${rest}`, parameters)
    .map((cells) => expressions.map((_, at) => exactValue(cells[at], cells[expressions.length + at])));
}

function isDoubtful(value: FlatValue): boolean {
  return typeof value === 'string' && value.includes(replacement);
}

function exactValue(value: FlatValue | undefined, type: FlatValue | undefined): FlatValue {
  return type === 'text' && value instanceof Uint8Array ? textOfBytes(value) : (value ?? null);
}

/** Length of the UTF-8 sequence at `at`; 0 when there is none. */
function validLength(buffer: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= buffer.length; length += 1) {
    if (isUtf8(buffer.subarray(at, at + length))) return length;
  }
  return 0;
}
