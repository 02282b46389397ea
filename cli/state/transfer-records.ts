import type { Category } from '../../lib/migration/category.ts';
import type { ExportBegin, ExportedSide, RowPage } from '../../lib/migration/transfer/export-rows.ts';
import type { ImportAnswer } from '../../lib/migration/transfer/import-records.ts';
import { receiveLine, sendLine, type TravellingLine } from '../../lib/migration/transfer/text-pieces.ts';
import type { TransferOrigin } from '../../lib/migration/transfer/transfer-manifest.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { describeState } from './describe-state.ts';
import { requireRunning } from './migrate-state.ts';

const folder = 'transfer-records';

/** Throws HalError `ChangeLogMissing` where versions are needed and nothing gives any yet. */
export async function beginExport(
  invoker: FunctionInvoker,
  category: Category,
  { versioned }: { readonly versioned: boolean },
): Promise<ExportBegin> {
  return (await invoker.invoke(folder, { action: 'begin-export', category, versioned })) as ExportBegin;
}

/** Lines of all rows of a category, in key order. */
export async function* exportedLines(
  invoker: FunctionInvoker,
  category: Category,
  side: ExportedSide,
): AsyncGenerator<string> {
  const piece = async (name: string): Promise<string> => {
    const answer = await invoker.invoke(folder, { action: 'piece', name });
    return (answer as { piece: string }).piece;
  };
  let cursor: string | null = null;
  do {
    const page = (await invoker.invoke(folder, { action: 'export', category, side, cursor })) as RowPage;
    for (const line of page.lines) yield await receiveLine(line, piece);
    ({ cursor } = page);
  } while (cursor !== null);
}

/** Characters of one batch, which have to fit a call of a function. */
const batchLength = 1_500_000;
const batchesAtOnce = 4;

export interface ImportTotals {
  readonly lines: number;
  readonly written: number;
  readonly kept: number;
}

/** Sends lines in batches, some of them at once. Throws HalErrors `CopyStopped`, `ImportForeign`, `ImportOutdated`. */
export async function importLines(
  invoker: FunctionInvoker,
  request: {
    readonly origin: TransferOrigin;
    readonly lines: AsyncIterable<string>;
    readonly batchSize: number;
    readonly dryRun: boolean;
  },
  onProgress: (totals: ImportTotals) => void,
): Promise<ImportTotals> {
  const totals = { lines: 0, written: 0, kept: 0 };
  const batches = batchesOf(request.lines, request.batchSize);
  let hasFailed = false;
  const send = async (): Promise<void> => {
    for (;;) {
      const next = await batches.next();
      if (next.done === true || hasFailed) return;
      await importBatch(invoker, request, next.value, ({ taken, written, kept }) => {
        totals.lines += taken;
        totals.written += written;
        totals.kept += kept;
        onProgress(totals);
      });
    }
  };
  const senders = Array.from({ length: batchesAtOnce }, () =>
    send().catch((fault: unknown) => {
      hasFailed = true;
      throw fault;
    }),
  );
  const ends = await Promise.allSettled(senders);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return totals;
}

/** Throws HalErrors `ImportForeign`, `ImportOutdated` before anything is read. */
export async function requireImportable(invoker: FunctionInvoker, origin: TransferOrigin): Promise<void> {
  await invoker.invoke(folder, { action: 'import', origin, lines: [], dryRun: true });
}

async function importBatch(
  invoker: FunctionInvoker,
  { origin, dryRun }: { readonly origin: TransferOrigin; readonly dryRun: boolean },
  batch: readonly string[],
  onTaken: (answer: ImportAnswer) => void,
): Promise<void> {
  const put = async (piece: string): Promise<string> => {
    const answer = await invoker.invoke(folder, { action: 'put-piece', piece });
    return (answer as { name: string }).name;
  };
  let rest: TravellingLine[] = [];
  for (const line of batch) rest.push(await sendLine(line, put));
  while (rest.length > 0) {
    const event = { action: 'import', origin, lines: rest, dryRun };
    const answer = (await invoker.invoke(folder, event)) as ImportAnswer;
    onTaken(answer);
    if (answer.stopped) requireRunning(await describeState(invoker));
    rest = rest.slice(answer.taken);
  }
}

async function* batchesOf(
  lines: AsyncIterable<string>,
  mostLines: number,
): AsyncGenerator<readonly string[], undefined> {
  let batch: string[] = [];
  let length = 0;
  for await (const line of lines) {
    if (batch.length >= mostLines || (batch.length > 0 && length + line.length > batchLength)) {
      yield batch;
      [batch, length] = [[], 0];
    }
    batch.push(line);
    length += line.length;
  }
  if (batch.length > 0) yield batch;
  return undefined;
}
