import { createHash } from 'node:crypto';
import { link, open, rm, type FileHandle } from 'node:fs/promises';

import type { Category } from '../../lib/migration/category.ts';
import type { ExportBegin } from '../../lib/migration/transfer/export-rows.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { endedByInterrupt } from '../interrupt.ts';
import { outputExists, outputUnwritable } from '../output/write-output.ts';
import { beginExport, exportedLines } from './transfer-records.ts';

export type ExportedCategory = ExportBegin & { readonly category: Category };

export async function describeExport(
  invoker: FunctionInvoker,
  categories: readonly Category[],
): Promise<readonly ExportedCategory[]> {
  const begun: ExportedCategory[] = [];
  for (const category of categories) {
    begun.push({ category, ...(await beginExport(invoker, category, { versioned: false })) });
  }
  return begun;
}

export interface ExportedState {
  readonly records: number;
  /** Of the lines of the records, each with its line end. */
  readonly sha256: string;
}

/** Writes one JSON document, record by record; it is there when all of it is. */
export async function exportState(
  invoker: FunctionInvoker,
  request: {
    readonly output: string;
    readonly definition: string;
    readonly begun: readonly ExportedCategory[];
  },
  onProgress: (records: number) => void,
): Promise<ExportedState> {
  const { output, definition, begun } = request;
  const draft = `${output}.${process.pid}.partial`;
  const interrupted = {
    message: 'The export was interrupted; what it had written is removed.',
    remedy: 'Run it again; it begins anew.',
  };
  return await endedByInterrupt(interrupted, async (signal) => {
    const file = await open(draft, 'w').catch((cause: unknown) => {
      throw outputUnwritable(output, cause);
    });
    try {
      const head = JSON.stringify({
        apiVersion: 'hal9-migrate/v1',
        kind: 'StateExport',
        definition,
        exportedAt: new Date().toISOString(),
        categories: begun,
      });
      await file.appendFile(`${head.slice(0, -1)},"records":[`);
      const exported = await writeRecords(invoker, file, begun, (records) => {
        signal.throwIfAborted();
        onProgress(records);
      });
      await file.appendFile(`\n],"count":${exported.records},"sha256":"${exported.sha256}"}\n`);
      await file.sync();
      await nameIt(draft, output);
      return exported;
    } finally {
      await file.close();
      await rm(draft, { force: true });
    }
  });
}

async function writeRecords(
  invoker: FunctionInvoker,
  file: FileHandle,
  begun: readonly ExportedCategory[],
  onRecord: (records: number) => void,
): Promise<ExportedState> {
  const digest = createHash('sha256');
  let records = 0;
  for (const { category } of begun) {
    for await (const line of exportedLines(invoker, category, 'authority')) {
      digest.update(`${line}\n`);
      await file.appendFile(`${records === 0 ? '' : ','}\n${line}`);
      onRecord((records += 1));
    }
  }
  return { records, sha256: digest.digest('hex') };
}

/** A link is refused where a file is, which a rename would replace. */
async function nameIt(draft: string, output: string): Promise<void> {
  try {
    await link(draft, output);
  } catch (fault) {
    throw (fault as NodeJS.ErrnoException).code === 'EEXIST'
      ? outputExists(output)
      : outputUnwritable(output, fault);
  }
}
