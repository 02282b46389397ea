import type { Category } from './category.ts';
import { maxBodyBytes, type LargeBodies } from './large-bodies.ts';
import { encodedImageLength } from './message-encoding.ts';
import { encodeRow } from './row-encoding.ts';
import type { ChangeMessage, FlatSource, SourceImage } from './ports.ts';

/** Longest encoded image that still travels in a message; a longer row is put elsewhere, and named in the message. */
const maxImageBytes = 600_000;

/** A message of the queue holds 1 MiB. */
export const maxMessageBytes = 900_000;

export interface ChangeSlice extends Pick<ChangeMessage, 'images' | 'oversized' | 'throughSequence'> {
  readonly entryCount: number;
  readonly lengthBytes: number;
}

/**
 * A slice of the change log as it is sent and applied. An image whose key changed again after the slice is left
 * out: the slice that holds its last change carries it. So a slice read twice never grows, and once no slice up to
 * S is open, every key whose last change is at most S is applied. Rows that fit no message go to `bodies` first.
 */
export async function readChangeSlice(
  source: FlatSource,
  category: Category,
  slice: { readonly afterSequence: number; readonly limit: number; readonly throughSequence?: number },
  bodies?: LargeBodies,
): Promise<ChangeSlice> {
  const { afterSequence, limit, throughSequence } = slice;
  const page = await source.readChanges(category, afterSequence, limit, throughSequence);
  const images: SourceImage[] = [];
  const oversized: ChangeMessage['oversized'][number][] = [];
  let lengthBytes = 0;
  for (const image of page.images) {
    const { key, version } = image;
    if (version === null || version.sequence > page.throughSequence) continue;
    const length = encodedImageLength(image);
    if (length > maxImageBytes) {
      oversized.push({ key, version, lengthBytes: length, ...(await putRow(image, bodies)) });
    } else {
      images.push(image);
      lengthBytes += length;
    }
  }
  const { entryCount } = page;
  return { images, oversized, throughSequence: page.throughSequence, entryCount, lengthBytes };
}

/** Nothing for a row that is too large anywhere, or where there is no place for it. */
async function putRow(
  { row }: SourceImage,
  bodies: LargeBodies | undefined,
): Promise<{ readonly rowName?: string }> {
  if (row === null || bodies === undefined) return {};
  const text = encodeRow(row);
  return Buffer.byteLength(text) > maxBodyBytes ? {} : { rowName: await bodies.put(text) };
}
