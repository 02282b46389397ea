import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type { ExportBegin } from '../../lib/migration/transfer/export-rows.ts';
import type { TransferManifest } from '../../lib/migration/transfer/transfer-manifest.ts';
import { makeTransformLine, type TransformedLine } from '../../lib/migration/transfer/transform-line.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { endedByInterrupt } from '../interrupt.ts';
import { readTransferLines, readTransferManifest, verifyTransfer } from './transfer-reader.ts';
import { exportedLines, importLines, requireImportable, type ImportTotals } from './transfer-records.ts';
import { openTransferWriter, type TransferWriter } from './transfer-writer.ts';

type OnProgress = (done: number, total: number) => void;

const nothingStays = {
  message: 'The command was interrupted; what it had written is removed.',
  remedy: 'Run it again; it begins anew.',
};

/** Writes every row of a category, each with the version of its content. */
export async function exportCategory(
  invoker: FunctionInvoker,
  { origin }: ExportBegin,
  output: string,
  onProgress: (rows: number) => void,
): Promise<TransferManifest> {
  if (origin === null) throw new Error('transfer-5c2: an export with versions has an origin');
  return await endedByInterrupt(nothingStays, (signal) =>
    withWriter(output, async (writer) => {
      let rows = 0;
      for await (const line of exportedLines(invoker, origin.category, 'flat')) {
        signal.throwIfAborted();
        await writer.write(line);
        onProgress((rows += 1));
      }
      return await writer.finish({ content: 'rows', origin });
    }),
  );
}

export interface TransformResult {
  readonly records: number;
  readonly rejected: number;
  /** The first ten. */
  readonly rejects: readonly Extract<TransformedLine, { kind: 'rejected' }>[];
  /** null when nothing was written. */
  readonly sha256: string | null;
}

const shownRejects = 10;

/** Throws HalErrors of `readTransferManifest` and `openTransferWriter`. */
export async function transformDirectory(
  definition: MigrationDefinition,
  request: {
    readonly input: string;
    readonly output: string;
    readonly validateSchemas: boolean;
    readonly dryRun: boolean;
  },
  onProgress: OnProgress,
): Promise<TransformResult> {
  const { input, output, dryRun } = request;
  const manifest = await readTransferManifest(input, 'rows');
  const transform = makeTransformLine(definition, {
    nowMs: Date.now(),
    restoreEach: request.validateSchemas,
  });
  let [records, rejected] = [0, 0];
  const rejects: Extract<TransformedLine, { kind: 'rejected' }>[] = [];
  const run = async (writer: TransferWriter | null, signal: AbortSignal): Promise<void> => {
    for await (const line of readTransferLines(input, manifest)) {
      signal.throwIfAborted();
      const made = transform(line);
      if (made.kind === 'record') {
        records += 1;
        await writer?.write(made.line);
      } else {
        rejected += 1;
        if (rejects.length < shownRejects) rejects.push(made);
        await writer?.reject({ pk: made.pk, errorName: made.errorName, message: made.message });
      }
      onProgress(records + rejected, manifest.lines);
    }
  };
  return await endedByInterrupt(nothingStays, async (signal) => {
    if (dryRun) {
      await run(null, signal);
      return { records, rejected, rejects, sha256: null };
    }
    return await withWriter(output, async (writer) => {
      await run(writer, signal);
      const { sha256 } = await writer.finish({ content: 'records', origin: manifest.origin });
      return { records, rejected, rejects, sha256 };
    });
  });
}

/** Reads all of it before anything is written. Throws HalErrors of `readTransferManifest` and `importLines`. */
export async function importDirectory(
  invoker: FunctionInvoker,
  request: { readonly input: string; readonly batchSize: number; readonly dryRun: boolean },
  onProgress: (what: string, ...progress: Parameters<OnProgress>) => void,
): Promise<ImportTotals> {
  const { input, batchSize, dryRun } = request;
  const manifest = await readTransferManifest(input, 'records');
  const { origin, lines } = manifest;
  await requireImportable(invoker, origin);
  const interrupted = {
    message: 'The import was interrupted; what was written stays.',
    remedy: 'Run it again: what is there already is found and stays.',
  };
  return await endedByInterrupt(interrupted, async (signal) => {
    await verifyTransfer(input, manifest, (read) => onProgress('checking', read, lines));
    const read = untilAborted(readTransferLines(input, manifest), signal);
    return await importLines(invoker, { origin, lines: read, batchSize, dryRun }, (totals) =>
      onProgress(dryRun ? 'looking' : 'writing', totals.lines, lines),
    );
  });
}

async function* untilAborted<Item>(items: AsyncIterable<Item>, signal: AbortSignal): AsyncGenerator<Item> {
  for await (const item of items) {
    signal.throwIfAborted();
    yield item;
  }
}

async function withWriter<Result>(
  output: string,
  fill: (writer: TransferWriter) => Promise<Result>,
): Promise<Result> {
  const writer = await openTransferWriter(output);
  try {
    return await fill(writer);
  } finally {
    await writer.discard();
  }
}
