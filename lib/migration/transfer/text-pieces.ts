import { HalError } from '../../kernel/errors.ts';
import type { LargeBodies } from '../large-bodies.ts';

/** Longest piece in UTF-16 units: several of them, escaped, fit an answer of a function (6 MB). */
export const pieceLength = 1_000_000;

/** A line as it travels: itself, or where its pieces are among the large bodies when it is too long to. */
export type TravellingLine = string | { readonly pieces: readonly string[] };

/** Pieces of a text; none of them ends between the two halves of a character. */
export function* piecesOf(text: string, length = pieceLength): Generator<string> {
  let start = 0;
  while (start < text.length) {
    let end = Math.min(text.length, start + length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last <= 0xdbff) end -= 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** The line, or its pieces put among the large bodies when it has more than one. */
export async function sendLine(
  line: string,
  put: (piece: string) => Promise<string>,
): Promise<TravellingLine> {
  if (line.length <= pieceLength) return line;
  const pieces: string[] = [];
  for (const piece of piecesOf(line)) pieces.push(await put(piece));
  return { pieces };
}

/** Inverse of `sendLine`. */
export async function receiveLine(
  line: TravellingLine,
  get: (name: string) => Promise<string>,
): Promise<string> {
  if (typeof line === 'string') return line;
  const pieces: string[] = [];
  for (const name of line.pieces) pieces.push(await get(name));
  return pieces.join('');
}

/** Throws HalError `PieceMissing`. */
export async function pieceOf(bodies: LargeBodies, name: string): Promise<string> {
  const piece = await bodies.get(name);
  if (piece !== null) return piece;
  throw new HalError({
    name: 'PieceMissing',
    message: `A piece of a long record is not among the large bodies, under ${name}.`,
    remedy: 'Run the command again; if it stays, look at the bucket of the backups.',
    exit: 'unavailable',
    facts: { piece: name },
  });
}
