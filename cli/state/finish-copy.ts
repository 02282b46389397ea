import type { Category } from '../../lib/migration/category.ts';
import type { AuditReport } from '../../lib/migration/audit-chain/audit-report.ts';
import type { SealedStream } from '../../lib/migration/audit-chain/seal-audit.ts';
import type { Edition } from '../../lib/migration/editions/ports.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { operatorName } from '../operator.ts';
import { badValue } from '../options.ts';
import { sealAudit, verifyAudit } from './audit-chain.ts';
import { publishEdition } from './editions.ts';

interface FinishOptions {
  readonly atomic: boolean;
  readonly preserveOrder: boolean;
}

export interface FinishedCopy {
  /** False when the audit stream is not what it should be. */
  readonly isSound: boolean;
  readonly editions: readonly Edition[];
  readonly audit: { readonly report: AuditReport; readonly seals: readonly SealedStream[] } | null;
}

/** An edition is read as a whole, so that it has to be said of what. Throws a HalError `BadOptionValue`. */
export function requireOneSmallCategory(options: {
  readonly atomic: boolean;
  readonly category?: readonly string[];
}): void {
  if (options.atomic && options.category?.length !== 1) {
    throw badValue('--category', options.category?.join(',') ?? '', 'one category, which --atomic is for');
  }
}

/** What comes after a copy that is complete. */
export async function finishCopy(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  options: FinishOptions & { readonly isComplete: boolean },
): Promise<FinishedCopy> {
  const by = `operator:${operatorName()}`;
  const editions: Edition[] = [];
  if (!options.isComplete) return { isSound: true, editions, audit: null };
  if (options.atomic) {
    for (const category of categories) {
      editions.push((await publishEdition(invoker, { category, by, dryRun: false })).edition);
    }
  }
  if (!options.preserveOrder) return { isSound: true, editions, audit: null };
  const seals = await sealAudit(invoker, { requestedBy: by, dryRun: false });
  const report = await verifyAudit(invoker, () => undefined);
  return { isSound: report.outcome === 'sound', editions, audit: { report, seals } };
}
