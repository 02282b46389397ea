import * as z from 'zod/mini';

import { exportPage, exportSystems, type ExportPage } from '../../lib/migration/editions/export-records.ts';
import type { Edition } from '../../lib/migration/editions/ports.ts';
import {
  makePublishEdition,
  type PublishAnswer,
  type PublishEditionDeps,
} from '../../lib/migration/editions/publish-edition.ts';
import { publishObserved, type ObservedPublication } from '../../lib/migration/editions/publish-observed.ts';
import {
  mostTestChanges,
  writeGeneration,
  type SettingWriter,
} from '../../lib/migration/editions/reload-test.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

export interface PublishEditionHandlerDeps extends PublishEditionDeps {
  /** Writes the settings of a reload test as users write theirs. */
  readonly gateway: SettingWriter;
}

export type EditionAnswer =
  | PublishAnswer
  | ExportPage
  | ObservedPublication
  | { readonly edition: Edition | null }
  | { readonly changes: number };

/** Makes a category's records visible all at once, exports them, and tests that readers reload them as a whole. */
export function makeHandler(deps: PublishEditionHandlerDeps): (event: unknown) => Promise<EditionAnswer> {
  const category = z.enum(categoriesOf(deps.definition));
  const changes = z.int().check(z.gte(1), z.lte(mostTestChanges));
  const requestSchema = z.discriminatedUnion('action', [
    z.object({ action: z.literal('publish'), category, by: z.string(), dryRun: z.boolean() }),
    z.object({ action: z.literal('current'), category }),
    z.object({
      action: z.literal('export'),
      category,
      system: z.enum(exportSystems),
      cursor: z.nullable(z.string()),
    }),
    z.object({ action: z.literal('change'), changes, generation: z.nullable(z.int()) }),
    z.object({ action: z.literal('publish-observed'), category, by: z.string(), changes }),
  ]);
  const publish = makePublishEdition(deps);
  return async (event) => {
    const request = requestSchema.parse(event);
    switch (request.action) {
      case 'publish':
        return await publish(request);
      case 'current':
        return { edition: await deps.editions.current(request.category) };
      case 'export':
        return await exportPage(deps, request);
      case 'change':
        await writeGeneration(deps.gateway, { ...request, nowMs: deps.clock.nowMs() });
        return { changes: request.changes };
      case 'publish-observed':
        return await publishObserved({ ...deps, publish }, { ...request, dryRun: false }, request.changes);
      default:
        return request satisfies never;
    }
  };
}
