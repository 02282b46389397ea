import { visibleLength } from './table.ts';

/** What everything is made to fit into that has no terminal to ask. */
const columns = 80;

/**
 * `head` followed by `text`, broken between words; the lines after the first begin below the text. A word that is
 * wider than the rest of a line stands alone and sticks out: paths and ids are there to be copied.
 */
export function hanging(head: string, text: string, width = columns): readonly string[] {
  const indent = ' '.repeat(visibleLength(head));
  const lines = [head];
  let isEmpty = true;
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.length - 1;
    const candidate = `${lines[last] ?? ''}${isEmpty ? '' : ' '}${word}`;
    if (isEmpty || visibleLength(candidate) <= width) lines[last] = candidate;
    else lines.push(`${indent}${word}`);
    isEmpty = false;
  }
  return lines;
}
