/**
 * What the viewer function hands to `cf.logCustomData`, and what comes back in the real-time log record.
 * Same restrictions as in `routes.ts`.
 */
export function encodeCohortData(cohort: string, epoch: number, subject: string): string {
  return 'cohort=' + cohort + ';epoch=' + epoch + ';subject=' + subject;
}
