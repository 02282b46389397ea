export interface BodyObject {
  /** What stands below `bodies/`; a name only if `parseBodyName` says so. */
  readonly name: string;
  /** By the clock of the store; of the last put. */
  readonly storedAtMs: number;
  readonly bytes: number;
}

/**
 * Large bodies as the sweep sees them: by name, never their content. Adapters: `lib/aws/body-objects.ts`,
 * `lib/memory/body-objects.ts`; contract: `test/contract/body-sweep.test.ts`.
 */
export interface BodyObjects {
  /** In the order of the names, after one of them; empty at the end. */
  list(after: string | null, limit: number): Promise<readonly BodyObject[]>;
  /** null when there is none, or none any more. */
  find(name: string): Promise<BodyObject | null>;
  /** Idempotent. */
  remove(name: string): Promise<void>;
}

interface NamedPage {
  /** Of the bodies that items of the page name; one may come twice. */
  readonly names: readonly string[];
  /** That were looked at. */
  readonly items: number;
  readonly cursor: string | null;
}

/**
 * Which bodies the items of the state table name, whatever else is wrong with an item. A scan from null to null sees
 * each item that is there all the while, as it was at some moment of the scan. Adapter: `lib/aws/named-bodies.ts`.
 */
export interface NamedBodies {
  scan(cursor: string | null): Promise<NamedPage>;
}

/** Says that an old body may be one that nobody names. */
export interface BodyMark {
  readonly name: string;
  /** The sweep that found its body to be old last. */
  readonly sweepId: string;
  /** When a sweep had looked at every item and found none that names it; null before that. */
  readonly unnamedSinceMs: number | null;
}

/**
 * Marks, kept between one sweep and the next. Adapters: `lib/aws/body-marks.ts`, `lib/memory/body-marks.ts`; contract:
 * `test/contract/body-sweep.test.ts`.
 */
export interface BodyMarks {
  /** A mark that is there already is this sweep's from now on, and goes on saying since when. */
  add(names: readonly string[], sweepId: string): Promise<void>;
  remove(names: readonly string[]): Promise<void>;
  /** Only of a mark of this sweep: not when it was removed meanwhile, or is another's by now. */
  setUnnamed(mark: Pick<BodyMark, 'name' | 'sweepId'>, sinceMs: number): Promise<void>;
  /** In the order of the names, after one of them; empty at the end. */
  list(after: string | null, limit: number): Promise<readonly BodyMark[]>;
}
