import * as z from 'zod/mini';

const size = z.object({ objects: z.int(), bytes: z.int() });

const reportSchema = z.object({
  /** Bodies of this day and earlier ones are looked at. */
  throughDay: z.string(),
  /** Bodies of these days. */
  old: size,
  /** Objects that are no bodies by their name; left alone. */
  foreign: z.int(),
  /** Items of the state table that were looked at, and those of them that name one of the old bodies. */
  items: z.int(),
  naming: z.int(),
  /** Found to be named by nobody for the first time; found so before, but not for long enough. */
  marked: z.int(),
  waiting: z.int(),
  deleted: size,
});
export type SweepReport = z.infer<typeof reportSchema>;

/** Where a sweep stands between two calls. */
export const positionSchema = z.object({
  phase: z.enum(['list', 'scan', 'settle']),
  sweepId: z.string(),
  startedAtMs: z.number(),
  /** Of the phase. */
  after: z.nullable(z.string()),
  report: reportSchema,
});
export type Position = z.infer<typeof positionSchema>;
