import * as z from 'zod/mini';

import { canonicalJson } from '../kernel/canonical-json.ts';
import { sha256Hex } from '../kernel/sha256.ts';

/** Adds the hash over everything else, of its canonical form. */
export function seal<Content extends object>(content: Content): Content & { readonly sha256: string } {
  return { ...content, sha256: sha256Hex(canonicalJson(content)) };
}

/** null when the text is not what was sealed. */
export function parseSealed<Sealed extends { readonly sha256: string }>(
  schema: z.ZodMiniType<Sealed>,
  text: string,
): Sealed | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = z.safeParse(schema, json);
  if (!parsed.success) return null;
  const { sha256, ...content } = parsed.data;
  return sha256Hex(canonicalJson(content)) === sha256 ? parsed.data : null;
}
