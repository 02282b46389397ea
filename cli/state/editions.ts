import { setTimeout as sleep } from 'node:timers/promises';

import { HalError } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import { compareRecords, type Comparison } from '../../lib/migration/editions/compare-records.ts';
import type {
  ExportedRecord,
  ExportPage,
  ExportSystem,
} from '../../lib/migration/editions/export-records.ts';
import type { Edition } from '../../lib/migration/editions/ports.ts';
import type { PublishAnswer } from '../../lib/migration/editions/publish-edition.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

export const editionFolder = 'publish-edition';

const pollMs = 250;
const pendingForMs = 60_000;
/** A comparison that finds differences is repeated: changes may have been on their way. */
const mostComparisons = 3;

export interface EditionRequest {
  readonly category: Category;
  readonly by: string;
  readonly dryRun: boolean;
}

export async function currentEdition(invoker: FunctionInvoker, category: Category): Promise<Edition | null> {
  const answer = await invoker.invoke(editionFolder, { action: 'current', category });
  return (answer as { edition: Edition | null }).edition;
}

/** Publishes as soon as no change is on its way. Throws HalError `EditionPending` after a minute. */
export async function publishEdition(
  invoker: FunctionInvoker,
  request: EditionRequest,
): Promise<Extract<PublishAnswer, { edition: Edition }>> {
  return await untilSettled(request.category, async () => {
    const answer = (await invoker.invoke(editionFolder, { action: 'publish', ...request })) as PublishAnswer;
    return answer.kind === 'pending' ? null : answer;
  });
}

/** Repeats what answers null. */
export async function untilSettled<Answer>(
  category: Category,
  once: () => Promise<Answer | null>,
): Promise<Answer> {
  const deadlineMs = performance.now() + pendingForMs;
  for (;;) {
    const answer = await once();
    if (answer !== null) return answer;
    if (performance.now() > deadlineMs) throw stillPending(category);
    await sleep(pollMs);
  }
}

function stillPending(category: Category): HalError {
  return new HalError({
    name: 'EditionPending',
    message: `No edition of ${category} could be published within a minute: changes were on their way all the time.`,
    remedy: 'See `hal9-migrate state status` for the lag, then publish again.',
    exit: 'timedOut',
    facts: { category },
  });
}

/** All records of one system, in their hierarchical form, in the order of their keys. */
export async function exportRecords(
  invoker: FunctionInvoker,
  request: { readonly category: Category; readonly system: ExportSystem },
): Promise<readonly ExportedRecord[]> {
  const records: ExportedRecord[] = [];
  let cursor: string | null = null;
  do {
    const payload = { action: 'export', ...request, cursor };
    const page = (await invoker.invoke(editionFolder, payload)) as ExportPage;
    records.push(...page.records);
    ({ cursor } = page);
  } while (cursor !== null);
  return records.toSorted((left, right) => (left.pk < right.pk ? -1 : 1));
}

export async function compareSystems(
  invoker: FunctionInvoker,
  category: Category,
  systems: { readonly left: ExportSystem; readonly right: ExportSystem },
): Promise<Comparison> {
  for (let round = 1; ; round += 1) {
    const left = await exportRecords(invoker, { category, system: systems.left });
    const right = await exportRecords(invoker, { category, system: systems.right });
    const comparison = compareRecords(left, right);
    if (comparison.outcome !== 'different' || round === mostComparisons) return comparison;
    await sleep(pollMs);
  }
}

/** The export as JSON text: bodies are put in as they are, since a double holds not every number of theirs. */
export function exportText(
  about: { readonly category: Category; readonly system: ExportSystem },
  records: readonly ExportedRecord[],
): string {
  const head = JSON.stringify({ apiVersion: 'hal9-migrate/v1', kind: 'ConfigurationExport', ...about });
  const lines = records.map(({ pk, body, note }) => {
    const reason = note === undefined ? '' : `,"note":${JSON.stringify(note)}`;
    return `{"pk":${JSON.stringify(pk)},"body":${body ?? 'null'}${reason}}`;
  });
  return `${head.slice(0, -1)},"records":[\n${lines.join(',\n')}\n]}\n`;
}
