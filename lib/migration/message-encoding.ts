import * as z from 'zod/mini';

import { isCategoryName } from './category.ts';
import { decodeKey, encodeKey } from './key.ts';
import type { ChangeMessage, KeyRange, RangeTask, SourceImage } from './ports.ts';
import { decodedRow, encodedRow } from './row-encoding.ts';
import type { KeyPart } from './row.ts';

/** Body of a message in the queue of ranges. */
export function encodeRangeTask(task: RangeTask): string {
  return messageText({ ...task, range: encodeRange(task.range) });
}

/** Throws on a body that `encodeRangeTask` never made. */
export function decodeRangeTask(text: string): RangeTask {
  const { range, ...task } = rangeTaskSchema.parse(JSON.parse(text));
  const { segment } = range;
  const bounds = { after: decodeCursor(range.after), upTo: decodeCursor(range.upTo) };
  return { ...task, range: segment === undefined ? bounds : { ...bounds, segment } };
}

/** Body of a message in the queue of changes. */
export function encodeChangeMessage(message: ChangeMessage): string {
  return messageText({ ...message, images: message.images.map(encodeImage) });
}

/** Throws on a body that `encodeChangeMessage` never made. */
export function decodeChangeMessage(text: string): ChangeMessage {
  const message = changeMessageSchema.parse(JSON.parse(text));
  return {
    ...message,
    images: message.images.map((image) => ({
      key: image.key,
      keyParts: decodeKey(image.key.id),
      row: image.row === null ? null : decodedRow(image.row),
      version: image.version,
    })),
  };
}

/** What one image adds to the length of a message, in bytes. */
export function encodedImageLength(image: SourceImage): number {
  return Buffer.byteLength(messageText(encodeImage(image)));
}

/**
 * JSON. Queues refuse a message with U+FFFE or U+FFFF in it, and some read a character beyond U+FFFF as two that are
 * none; JSON leaves all of them as they are unless they are escaped.
 */
function messageText(value: unknown): string {
  return JSON.stringify(value).replaceAll(/[\uD800-\uDFFF\uFFFE\uFFFF]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16)}`;
  });
}

const categorySchema = z.string().check(z.refine(isCategoryName, 'the name of a category'));
const keySchema = z.object({ recordType: z.string(), id: z.string() });
const versionSchema = z.object({ epoch: z.int(), sequence: z.int() });
const cursorSchema = z.nullable(z.string());

const rangeTaskSchema = z.object({
  runId: z.string(),
  rangeId: z.string(),
  category: categorySchema,
  recordType: z.string(),
  range: z.object({
    after: cursorSchema,
    upTo: cursorSchema,
    segment: z.optional(z.object({ index: z.int(), count: z.int() })),
  }),
});

const changeMessageSchema = z.object({
  category: categorySchema,
  afterSequence: z.int(),
  throughSequence: z.int(),
  images: z.array(z.object({ key: keySchema, row: z.unknown(), version: z.nullable(versionSchema) })),
  oversized: z.array(
    z.object({
      key: keySchema,
      version: versionSchema,
      lengthBytes: z.int(),
      rowName: z.optional(z.string()),
    }),
  ),
});

function encodeRange({ after, upTo, segment }: KeyRange) {
  const bounds = { after: encodeCursor(after), upTo: encodeCursor(upTo) };
  return segment === undefined ? bounds : { ...bounds, segment };
}

function encodeCursor(parts: readonly KeyPart[] | null): string | null {
  return parts === null ? null : encodeKey(parts);
}

function decodeCursor(text: string | null): readonly KeyPart[] | null {
  return text === null ? null : decodeKey(text);
}

function encodeImage(image: SourceImage): Record<string, unknown> {
  return { key: image.key, row: image.row === null ? null : encodedRow(image.row), version: image.version };
}
