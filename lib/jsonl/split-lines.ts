/** A line of a file: its number from 1, its place, and its bytes without the line end. */
export interface Line {
  readonly number: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Longest line that is read, in bytes; no record of that size fits the target. */
const maxLineBytes = 32 * 1024 * 1024;

const newline = 10;

/** Throws RangeError, with the number of the line, for one that is too long. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 1;
  let offset = 0;
  let open: Uint8Array[] = [];
  let openBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(newline, from); end >= 0; end = chunk.indexOf(newline, from)) {
      const bytes = joined([...open, chunk.subarray(from, end)]);
      yield { number, offset, bytes };
      number += 1;
      offset += bytes.length + 1;
      open = [];
      openBytes = 0;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    open.push(chunk.subarray(from));
    openBytes += chunk.length - from;
    if (openBytes > maxLineBytes) throw new RangeError(`line ${number} has more than ${maxLineBytes} bytes`);
  }
  if (openBytes > 0) yield { number, offset, bytes: joined(open) };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
