/** Longest body that fits an item of 400 KB beside its other attributes, in UTF-8 bytes. */
export const maxItemBodyBytes = 380_000;

/** Longest body at all, in UTF-8 bytes: what a worker can hold several of. */
export const maxBodyBytes = 16 * 1024 * 1024;

/**
 * Texts that are too long for an item or a message, under the day of their putting and the sha256 of their UTF-8 bytes
 * (`body-name.ts`). A text is put before anything names it, so that a name always leads somewhere. A name is never
 * handed on from one item or message to another: who writes puts again, and names what the put answered, so that no
 * name of an earlier day comes into use again. What a crash leaves without a name is harmless, and swept after a while
 * (`bodies/sweep-bodies.ts`). Adapters: `lib/aws/large-bodies.ts`, `lib/memory/large-bodies.ts`.
 */
export interface LargeBodies {
  /** Returns its name. On one day idempotent. */
  put(text: string): Promise<string>;
  /** null when there is none, or when what is stored is not what was put. */
  get(name: string): Promise<string | null>;
}
