import type { AuditReport } from '../../lib/migration/audit-chain/audit-report.ts';
import type { SealAnswer, SealedStream } from '../../lib/migration/audit-chain/seal-audit.ts';
import type { AuditAnswer } from '../../lib/migration/audit-chain/verify-audit.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

const folder = 'verify-audit';

/** Walks along the audit streams of both sides, over as many calls as that takes. */
export async function verifyAudit(
  invoker: FunctionInvoker,
  onProgress: (scanned: number) => void,
): Promise<AuditReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke(folder, { action: 'verify', cursor })) as AuditAnswer;
    onProgress(answer.report.scanned);
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}

/** Seals behind the last seal of each stream; a dry run says what it would seal. */
export async function sealAudit(
  invoker: FunctionInvoker,
  request: { readonly requestedBy: string; readonly dryRun: boolean },
): Promise<readonly SealedStream[]> {
  const added = new Map<string, number>();
  for (;;) {
    const answer = (await invoker.invoke(folder, { action: 'seal', ...request })) as SealAnswer;
    const streams = answer.streams.map((stream) => {
      const name = `${stream.recordType}/${stream.stream}`;
      const total = (added.get(name) ?? 0) + stream.added;
      added.set(name, total);
      return { ...stream, added: total };
    });
    if (answer.done) return streams;
  }
}
