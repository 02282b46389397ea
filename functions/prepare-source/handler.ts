import * as z from 'zod/mini';

import type { Category } from '../../lib/migration/category.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import type {
  FlatAuthority,
  FlatSource,
  HeldLog,
  Retention,
  TableReport,
} from '../../lib/migration/ports.ts';
import { sourceShape, type SourceShape } from '../../lib/migration/source-shape.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

export interface PrepareSourceDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
}

export interface SourceStatus {
  readonly changeLogInstalled: boolean;
  readonly tables: readonly TableReport[];
  readonly shape: SourceShape;
  /** What the server keeps for the migration; null where it keeps nothing. */
  readonly heldLog: HeldLog | null;
  /** null where changes are kept until they are read. */
  readonly retention: Retention | null;
  /** Empty until the change log, which keeps them, is installed; to an inspection also while the held log is lost. */
  readonly authorities: Readonly<Record<Category, FlatAuthority>>;
}

const requestSchema = z.object({ action: z.enum(['inspect', 'install', 'status']) });

/** Inspects the flat store and, on `install`, puts change log and fences into it. All three answer its status. */
export function makeHandler({
  definition,
  source,
}: PrepareSourceDeps): (event: unknown) => Promise<SourceStatus> {
  return async (event) => {
    const { action } = requestSchema.parse(event);
    const tables = await source.inspect();
    if (action === 'install') await source.installChangeLog();
    const changeLogInstalled = await source.isChangeLogInstalled();
    const heldLog = (await source.heldLog?.()) ?? null;
    const retention = (await source.retention?.()) ?? null;
    const authorities: Record<Category, FlatAuthority> = {};
    // Whoever needs them is told of a lost log by the source itself; an inspection tells of it.
    if (changeLogInstalled && !(action === 'inspect' && heldLog?.isLost === true)) {
      for (const category of categoriesOf(definition)) {
        authorities[category] = await source.authority(category);
      }
    }
    const shape = sourceShape(tables, categoriesOf(definition));
    return { changeLogInstalled, tables, shape, heldLog, retention, authorities };
  };
}
