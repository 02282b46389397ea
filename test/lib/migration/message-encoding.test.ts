import { expect, test } from 'vitest';

import { encodeKey } from '../../../lib/migration/key.ts';
import {
  decodeChangeMessage,
  encodeChangeMessage,
  encodedImageLength,
} from '../../../lib/migration/message-encoding.ts';
import type { ChangeMessage, SourceImage } from '../../../lib/migration/ports.ts';

/** What every queue accepts in a message, those included that look at halves of characters. */
const allowed = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}]*$/u;

function imageOf(text: string): SourceImage {
  const keyParts = [text];
  const key = { recordType: 'neuron', id: encodeKey(keyParts) };
  return { key, keyParts, row: { id: text, note: text }, version: { epoch: 1, sequence: 7 } };
}

test('a message holds any text of a row in characters that a queue accepts, emoji included', () => {
  const texts = ['\u0000\u0001\u001F', '\uFFFE and \uFFFF', '\u007F\u0085', '\u{1F600}\u{1FFFE}', 'plain'];
  const message: ChangeMessage = {
    category: 'neuron-states',
    afterSequence: 0,
    throughSequence: 7,
    images: texts.map(imageOf),
    oversized: [],
  };

  const encoded = encodeChangeMessage(message);

  expect(encoded).toMatch(allowed);
  expect(decodeChangeMessage(encoded)).toEqual(message);
});

test('the length of an image is that of its bytes, as the queue counts them', () => {
  const image = imageOf('日本'.repeat(100));

  expect(encodedImageLength(image)).toBeGreaterThanOrEqual(2 * 600);
});
