import * as z from 'zod/mini';

/** The answers of the state functions, as far as the phases look at them. */

const progressAnswer = z.object({
  complete: z.boolean(),
  completeRanges: z.int(),
  openRanges: z.int(),
  copy: z.optional(z.object({ stopped: z.boolean(), by: z.string(), reason: z.string() })),
});

export function parseCopyProgress(answer: unknown): z.infer<typeof progressAnswer> {
  return progressAnswer.parse(answer);
}

const counts = z.object({
  total: z.int(),
  verified: z.int(),
  mismatches: z.int(),
  missing: z.int(),
  extra: z.int(),
  quarantined: z.int(),
  tombstoned: z.int(),
  pending: z.int(),
});

const verifyAnswer = z.object({
  done: z.boolean(),
  cursor: z.nullable(z.string()),
  report: z.object({
    outcome: z.enum(['verified', 'differences', 'pending', 'unproven']),
    byCategory: z.record(z.string(), counts),
  }),
});

type Counts = z.infer<typeof counts>;

export interface VerificationSummary extends Counts {
  readonly outcome: 'verified' | 'differences' | 'pending' | 'unproven';
}

export function parseVerification(answer: unknown): {
  readonly done: boolean;
  readonly cursor: string | null;
  readonly summary: VerificationSummary;
} {
  const { done, cursor, report } = verifyAnswer.parse(answer);
  const sum: Counts = {
    total: 0,
    verified: 0,
    mismatches: 0,
    missing: 0,
    extra: 0,
    quarantined: 0,
    tombstoned: 0,
    pending: 0,
  };
  for (const category of Object.values(report.byCategory)) {
    for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += category[name];
  }
  return { done, cursor, summary: { ...sum, outcome: report.outcome } };
}

const layersAnswer = z.discriminatedUnion('done', [
  z.object({ done: z.literal(false), cursor: z.string() }),
  z.object({
    done: z.literal(true),
    faulty: z.array(z.string()),
    survey: z.object({ findings: z.array(z.object({ fault: z.string(), pk: z.string() })) }),
  }),
]);

export function parseLayers(answer: unknown): z.infer<typeof layersAnswer> {
  return layersAnswer.parse(answer);
}

const sourceAnswer = z.object({
  changeLogInstalled: z.boolean(),
  tables: z.array(
    z.object({ recordType: z.string(), table: z.string(), category: z.string(), rowCount: z.int() }),
  ),
  shape: z.optional(
    z.object({
      mapping: z.nullable(z.string()),
      absentTables: z.array(z.string()),
      emptyCategories: z.array(z.string()),
    }),
  ),
  retention: z.optional(z.nullable(z.object({ keptMs: z.number(), readAtMs: z.number() }))),
  heldLog: z.optional(
    z.nullable(
      z.object({
        slot: z.string(),
        heldBytes: z.number(),
        roomBytes: z.nullable(z.number()),
        isLost: z.boolean(),
      }),
    ),
  ),
  authorities: z.record(
    z.string(),
    z.object({ epoch: z.int(), state: z.enum(['open', 'fenced', 'following']) }),
  ),
});

export type SourceAnswer = z.infer<typeof sourceAnswer>;

export function parseSource(answer: unknown): SourceAnswer {
  return sourceAnswer.parse(answer);
}

/** Name and message of what a function threw, whether it came through an invocation or not. */
export function faultOf(fault: unknown): { readonly name: string; readonly message: string } {
  if (!(fault instanceof Error)) return { name: 'Unknown', message: String(fault) };
  const facts = (fault as { facts?: Readonly<Record<string, unknown>> }).facts;
  const { errorType, errorMessage } = facts ?? {};
  if (typeof errorType === 'string') return { name: errorType, message: String(errorMessage) };
  return { name: fault.name, message: fault.message };
}
