import { sha256Hex } from '../kernel/sha256.ts';

/** Closes the text of one JSON object by the sha256 of everything before it. */
export function sealLine(content: string): { readonly line: string; readonly hash: string } {
  const hash = sha256Hex(content);
  return { line: `${content.slice(0, -1)},"h":"${hash}"}`, hash };
}

export type OpenedLine =
  | { readonly kind: 'intact'; readonly content: string; readonly hash: string }
  | { readonly kind: 'damaged'; readonly reason: string };

const sealedLine = /^(.*),"h":"([0-9a-f]{64})"\}$/s;

/** Inverse of `sealLine`; a line of which any character was changed is damaged. */
export function openLine(line: string): OpenedLine {
  const [, start, hash] = sealedLine.exec(line) ?? [];
  if (start === undefined || hash === undefined) {
    return { kind: 'damaged', reason: 'the line has no hash at its end' };
  }
  const content = `${start}}`;
  if (sha256Hex(content) === hash) return { kind: 'intact', content, hash };
  return { kind: 'damaged', reason: 'the line does not match its hash' };
}
