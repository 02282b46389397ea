import * as z from 'zod/mini';

import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import {
  beginExport,
  exportedSides,
  exportPage,
  type ExportBegin,
  type RowPage,
} from '../../lib/migration/transfer/export-rows.ts';
import {
  importRecords,
  type ImportAnswer,
  type ImportRecordsDeps,
} from '../../lib/migration/transfer/import-records.ts';
import { pieceOf } from '../../lib/migration/transfer/text-pieces.ts';
import { transferOriginSchema } from '../../lib/migration/transfer/transfer-manifest.ts';

export interface TransferRecordsDeps extends ImportRecordsDeps {
  /** One invocation writes for this long. */
  readonly timeBudgetMs: number;
}

export type TransferAnswer =
  | ExportBegin
  | RowPage
  | ImportAnswer
  | { readonly piece: string }
  | { readonly name: string };

/** Hands out the rows of a category page by page, and takes transformed records where the target has none. */
export function makeHandler(deps: TransferRecordsDeps): (event: unknown) => Promise<TransferAnswer> {
  const category = z.enum(categoriesOf(deps.definition));
  const line = z.union([z.string(), z.object({ pieces: z.array(z.string()) })]);
  const requestSchema = z.discriminatedUnion('action', [
    z.object({ action: z.literal('begin-export'), category, versioned: z.boolean() }),
    z.object({
      action: z.literal('export'),
      category,
      side: z.enum(exportedSides),
      cursor: z.nullable(z.string()),
    }),
    z.object({ action: z.literal('piece'), name: z.string() }),
    z.object({ action: z.literal('put-piece'), piece: z.string() }),
    z.object({
      action: z.literal('import'),
      origin: transferOriginSchema,
      lines: z.array(line),
      dryRun: z.boolean(),
    }),
  ]);
  return async (event) => {
    const request = requestSchema.parse(event);
    switch (request.action) {
      case 'begin-export':
        return await beginExport(deps, request);
      case 'export':
        return await exportPage(deps, request);
      case 'piece':
        return { piece: await pieceOf(deps.bodies, request.name) };
      case 'put-piece':
        return { name: await deps.bodies.put(request.piece) };
      case 'import':
        return await importRecords(deps, request, deps.clock.nowMs() + deps.timeBudgetMs);
      default:
        return request satisfies never;
    }
  };
}
