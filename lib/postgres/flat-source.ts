import type { Category } from '../migration/category.ts';
import type { FlatAuthority, FlatSource, KeyRange, TableReport } from '../migration/ports.ts';
import type { KeyPart } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import { applyReverseChanges, refuseUnfitRows } from './apply-reverse.ts';
import {
  closeGap,
  excludeWriters,
  firstAuthority,
  lastSequenceOf,
  moveAuthority,
  readAuthority,
  readGap,
} from './change-log.ts';
import { checkQueries } from './check-queries.ts';
import type { Session } from './connection.ts';
import { decodeNow } from './decoded-log.ts';
import { requireChangeLog, type FlatStore, type StoreView } from './flat-store.ts';
import { checkedLayouts, keyFaults, recognisedTables } from './inspect-tables.ts';
import { checkInstallation, flush, installChangeLog } from './install-change-log.ts';
import { andWhere } from './membership.ts';
import { requireReadable } from './privileges.ts';
import { makeReads } from './read-images.ts';
import { readHeldLog } from './replication-slot.ts';
import { readBoundary } from './row-access.ts';
import { layoutOfCatalog, readCatalog, type TableLayout } from './table-layout.ts';

/** The flat source over one PostgreSQL schema. Closing it closes its connections. */
export function makePostgresFlatSource(store: FlatStore): FlatSource {
  const { database, definition } = store;
  return {
    inspect: () =>
      database.transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', (session) =>
        inspect(store, session),
      ),
    installChangeLog: () => installChangeLog(database, definition),
    isChangeLogInstalled: () =>
      database.transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', (session) =>
        isInstalled(store, session),
      ),
    planRanges: (recordType, rowsPerRange) => planRanges(store, recordType, rowsPerRange),
    countRows: (recordType) =>
      store.read(tableOf(definition, recordType).category, async (view) => {
        const layout = view.layout(recordType);
        return layout === null ? 0 : await countRows(view.session, layout);
      }),
    heldLog: () =>
      database.transaction('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', async (session) => {
        const layout = layoutOfCatalog(
          await readCatalog(session, database.schema, definition),
          database.schema,
          definition,
        );
        return layout.isDecoded ? await readHeldLog(session, database.schema) : null;
      }),
    logGap: (category) =>
      store.read(category, ({ installation, session }) =>
        installation === 'installed' ? readGap(session, database.schema, category) : Promise.resolve(null),
      ),
    closeLogGap: (category, sequence) =>
      store.write(({ session }) => closeGap(session, database.schema, category, sequence)),
    ...makeReads(store),
    ...authorityMethods(store),
    requireFitting: (category) =>
      store.read(category, async (view) => {
        requireChangeLog(store, view);
        await refuseUnfitRows(store, view.session, category);
      }),
    applyReverse: (category, changes, as) =>
      store.write(async (view) => {
        requireChangeLog(store, view);
        return await applyReverseChanges(store, view, category, changes, as);
      }),
    close: () => database.close(),
  };
}

function authorityMethods(
  store: FlatStore,
): Pick<FlatSource, 'authority' | 'fence' | 'unfence' | 'follow' | 'open'> {
  const { database } = store;
  const { schema } = database;
  /** Nobody writes the category meanwhile, and every writer that was admitted before has ended. */
  const change = <Result>(
    category: Category,
    effect: (view: StoreView) => Promise<Result>,
  ): Promise<Result> =>
    store.write(async (view) => {
      requireChangeLog(store, view);
      await excludeWriters(view.session, schema, category);
      if (view.to === 'write-ahead log') await decodeNow(view.session, database.aside, database);
      return await effect(view);
    });
  const move = (
    { session }: StoreView,
    category: Category,
    from: FlatAuthority,
    to: FlatAuthority,
  ): Promise<boolean> => moveAuthority(session, schema, category, { from, to });
  return {
    authority: (category) =>
      store.read(category, async ({ installation, session }) =>
        installation === 'installed' ? await readAuthority(session, schema, category) : firstAuthority,
      ),
    fence: (category, epoch) =>
      change(category, async (view) => {
        const isFenced = await move(view, category, { epoch, state: 'open' }, { epoch, state: 'fenced' });
        if (!isFenced) return { fenced: false };
        const sequence = await lastSequenceOf(view.session, schema, category);
        return { fenced: true, last: { epoch, sequence } };
      }),
    unfence: (category, epoch) =>
      change(category, async (view) => {
        const isOpen = await move(view, category, { epoch, state: 'fenced' }, { epoch, state: 'open' });
        if (isOpen) await flush(view.session, schema, category, view.to);
        return isOpen;
      }),
    follow: (category, epoch) =>
      change(category, (view) =>
        move(view, category, { epoch: epoch - 1, state: 'fenced' }, { epoch, state: 'following' }),
      ),
    open: (category, epoch) =>
      change(category, async (view) => {
        const from: FlatAuthority = { epoch: epoch - 1, state: 'following' };
        const present = await readAuthority(view.session, schema, category);
        if (present.state === 'following' && present.epoch === from.epoch) {
          await refuseUnfitRows(store, view.session, category);
        }
        const isOpen = await move(view, category, from, { epoch, state: 'open' });
        // What came from the other side is logged once, so that the forward path compares it with its own form of it.
        if (isOpen) await flush(view.session, schema, category, view.to);
        return isOpen;
      }),
  };
}

async function inspect(store: FlatStore, session: Session): Promise<readonly TableReport[]> {
  const { database, definition } = store;
  const catalog = await readCatalog(session, database.schema, definition);
  const layout = layoutOfCatalog(catalog, database.schema, definition);
  const layouts = checkedLayouts(database.place, layout, definition);
  const { mapping, absent } = recognisedTables(database.place, layout, definition);
  await requireReadable(
    session,
    database,
    definition.tables.map(({ table }) => table),
  );
  await checkQueries(session, database, layouts.values());
  const faults: string[] = [...(await encodingFaults(session))];
  for (const layout of layouts.values()) faults.push(...(await keyFaults(session, layout)));
  if (faults.length > 0) throw sourceRejected(database.place, faults);
  const reports: TableReport[] = [];
  for (const migrated of definition.tables) {
    const { recordType, table, category } = migrated;
    const report = { recordType, table, category, ...(mapping === null ? {} : { mapping: mapping.name }) };
    const found = layouts.get(recordType);
    if (found !== undefined) reports.push({ ...report, rowCount: await countRows(session, found) });
    else if (absent.includes(migrated)) reports.push({ ...report, rowCount: 0, absent: true });
  }
  return reports;
}

/** Without an encoding a text is any bytes, which no JSON can hold. */
async function encodingFaults(session: Session): Promise<readonly string[]> {
  const encoding = (await session.first("SELECT current_setting('server_encoding')"))?.[0];
  return encoding === 'SQL_ASCII' ? ['the database has no encoding (SQL_ASCII)'] : [];
}

async function isInstalled(store: FlatStore, session: Session): Promise<boolean> {
  const { place, schema } = store.database;
  const layout = layoutOfCatalog(
    await readCatalog(session, schema, store.definition),
    schema,
    store.definition,
  );
  const { installation } = await checkInstallation(
    session,
    { place, schema, definition: store.definition },
    layout,
  );
  return installation === 'installed';
}

async function countRows(session: Session, { from, table }: TableLayout): Promise<number> {
  return Number((await session.first(`SELECT count(*) FROM ${from} WHERE true${andWhere(table)}`))?.[0] ?? 0);
}

async function* planRanges(
  store: FlatStore,
  recordType: string,
  rowsPerRange: number,
): AsyncGenerator<KeyRange> {
  const { category } = tableOf(store.definition, recordType);
  let after: readonly KeyPart[] | null = null;
  for (;;) {
    const from: readonly KeyPart[] | null = after;
    const upTo: readonly KeyPart[] | 'no table' | null = await store.read(category, async (view) => {
      const layout = view.layout(recordType);
      return layout === null ? 'no table' : await readBoundary(view.session, layout, from, rowsPerRange);
    });
    if (upTo === 'no table') return;
    yield { after, upTo };
    if (upTo === null) return;
    after = upTo;
  }
}
