/** Longest body that fits an item of 400 KB beside its other attributes, in UTF-8 bytes. */
export const maxItemBodyBytes = 380_000;

/** Longest body at all, in UTF-8 bytes: what a worker can hold several of. */
export const maxBodyBytes = 16 * 1024 * 1024;

/**
 * Texts that are too long for an item or a message, under the sha256 of their UTF-8 bytes. A text is put before
 * anything names it, so that a name always leads somewhere; what a crash leaves without a name is harmless, and the
 * repetition puts it again under the same name. Adapters: `lib/aws/large-bodies.ts`, `lib/memory/large-bodies.ts`.
 */
export interface LargeBodies {
  /** Returns its sha256 in hex. Idempotent. */
  put(text: string): Promise<string>;
  /** null when there is none, or when what is stored is not what was put. */
  get(sha256: string): Promise<string | null>;
}
