import fc from 'fast-check';
import { expect, test } from 'vitest';

import { bytesOfText, textOfBytes } from '../../../lib/sqlite/exact-text.ts';

test('any bytes come back from their text, and valid UTF-8 is that text', () => {
  const pieces = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.string({ unit: 'grapheme' }).map((text) => Uint8Array.from(Buffer.from(text))),
    // The beginning of a longer sequence, and a surrogate as UTF-8 never has it.
    fc.constantFrom(Uint8Array.of(0xe2, 0x82), Uint8Array.of(0xed, 0xb2, 0x80)),
  );

  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 5 }), (parts) => {
      const bytes = Buffer.concat(parts);
      const text = textOfBytes(bytes);
      expect(Buffer.compare(bytesOfText(text), bytes)).toBe(0);
      expect(text.isWellFormed()).toBe(bytes.toString('utf8') === text);
    }),
  );
});

test('a lone surrogate that stands for no byte has no bytes', () => {
  expect(() => bytesOfText('a\ud800')).toThrow(TypeError);
});
