import { expect, test } from 'vitest';

import { pdfOf } from '../../cli/output/pdf.ts';

/** Reads the file as a viewer does: from its end, by the table of offsets. */
function objectsIn(file: Buffer): readonly string[] {
  const text = file.toString('latin1');
  const tableAt = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1]);
  const [, size = ''] = /^xref\n0 (\d+)\n/.exec(text.slice(tableAt)) ?? [];
  const entries = [...text.slice(tableAt).matchAll(/^(\d{10}) 00000 n $/gm)].map(([, offset]) =>
    Number(offset),
  );
  expect(entries).toHaveLength(Number(size) - 1);
  return entries.map((offset, at) => {
    const head = `${at + 1} 0 obj\n`;
    expect(text.slice(offset, offset + head.length)).toBe(head);
    return text.slice(offset + head.length, text.indexOf('\nendobj\n', offset));
  });
}

test('every line stands on a page, in order', () => {
  const lines = Array.from({ length: 150 }, (_, at) => `line ${at}.`);

  const objects = objectsIn(pdfOf(lines));

  const contents = objects.filter((object) => object.includes('stream\n')).join('\n');
  const shown = [...contents.matchAll(/\((line \d+\.)\) Tj/g)].map(([, line]) => line);
  expect(shown).toEqual(lines);
  expect(contents).toContain('(1 / 3) Tj');
  expect(objects[1]).toContain('/Count 3');
});

test('the length of a page is said as it is, whatever is written there', () => {
  const [content = ''] = objectsIn(pdfOf(['a (b) \\ c', 'Größe ✓', 'x'.repeat(300)])).slice(4);

  const [, length = '', stream = ''] = /\/Length (\d+) >>\nstream\n([^]*)\nendstream$/.exec(content) ?? [];
  expect(stream).toHaveLength(Number(length));
  expect(stream).toContain(String.raw`(a \(b\) \\ c) Tj`);
  expect(stream).toContain('(Größe ?) Tj');
  expect(stream.match(/x+/g)?.join('')).toHaveLength(300);
});

test('no lines are one empty page', () => {
  expect(objectsIn(pdfOf([]))[1]).toContain('/Count 1');
});
