import * as z from 'zod/mini';

import { HalError } from '../kernel/errors.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import type { DigestStore } from './ports.ts';
import { decodeFold, emptyFold, encodeFold, type StateFold } from './state-fold.ts';
import { emptyReport, type VerificationReport } from './verification-report.ts';

/** Where a verification goes on. Passes in their order; the digests are complete before `settle`. */
const positionSchema = z.union([
  z.object({ pass: z.literal('begin') }),
  z.object({ pass: z.literal('fold-rows'), table: z.int(), after: z.nullable(z.string()) }),
  /** Cursor of each segment: null before its first page, `done` after its last. */
  z.object({ pass: z.literal('fold-records'), cursors: z.array(z.nullable(z.string())) }),
  z.object({ pass: z.literal('settle') }),
  z.object({ pass: z.literal('changed'), from: z.int() }),
  z.object({ pass: z.literal('rows'), table: z.int(), after: z.nullable(z.string()) }),
  z.object({ pass: z.literal('records'), cursor: z.nullable(z.string()) }),
  z.object({ pass: z.literal('quarantine'), category: z.int(), cursor: z.nullable(z.string()) }),
]);

export type Position = z.infer<typeof positionSchema>;

export interface OpenVerification {
  /** null when every pass is over. */
  readonly position: Position | null;
  readonly fold: StateFold;
  readonly report: VerificationReport;
}

/** Our own text; only its frame is checked, since nobody else writes it. */
const cursorSchema = z.object({
  position: positionSchema,
  /** Names of the stored digests, the newest last; the one before it serves a repeated invocation. */
  digests: z.array(z.string()),
  report: z.looseObject({ outcome: z.string(), byCategory: z.record(z.string(), z.unknown()) }),
});

/** Throws HalError `VerificationExpired`. */
export async function openCursor(
  digests: DigestStore,
  cursor: string | null,
  nowMs: number,
): Promise<{ readonly verification: OpenVerification; readonly names: readonly string[] }> {
  if (cursor === null) {
    const report = emptyReport(nowMs);
    return { verification: { position: { pass: 'begin' }, fold: emptyFold([]), report }, names: [] };
  }
  const { position, digests: names, report } = cursorSchema.parse(JSON.parse(cursor));
  const bytes = await digests.load(names.at(-1) ?? '');
  if (bytes === null) throw expired();
  return {
    verification: { position, fold: decodeFold(bytes), report: report as unknown as VerificationReport },
    names,
  };
}

/** The digests are stored under the hash of what they are, so a cursor never goes on with others. */
export async function sealCursor(
  digests: DigestStore,
  verification: OpenVerification,
  names: readonly string[],
): Promise<string> {
  const bytes = encodeFold(verification.fold);
  const name = `${verification.report.startedAtMs.toString(36)}-${sha256Hex(bytes)}`;
  const kept = names.filter((known) => known !== name);
  await digests.save(name, bytes);
  await digests.remove(kept.slice(0, -1));
  const { position, report } = verification;
  return JSON.stringify({ position, digests: [...kept.slice(-1), name], report });
}

const retiredName = 'verifications-done';
const mostRetired = 3;

/**
 * After the last page. The answer may get lost, and the last cursor come again: its digests stay until a few more
 * verifications are done.
 */
export async function retireDigests(digests: DigestStore, names: readonly string[]): Promise<void> {
  const last = names.at(-1);
  if (last === undefined) return;
  const bytes = await digests.load(retiredName);
  const known = bytes === null ? [] : retiredSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  const retired = [...known.filter((name) => name !== last), last];
  await digests.save(retiredName, Buffer.from(JSON.stringify(retired.slice(-mostRetired))));
  await digests.remove([...names.slice(0, -1), ...retired.slice(0, -mostRetired)]);
}

const retiredSchema = z.array(z.string());

function expired(): HalError {
  return new HalError({
    name: 'VerificationExpired',
    message: 'the digests of this verification are no longer stored',
    remedy: 'begin the verification again: leave the cursor out',
    exit: 'conflict',
  });
}
