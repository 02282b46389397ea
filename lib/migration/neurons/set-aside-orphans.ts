import {
  readPresent,
  replacePresent,
  type Present,
  type PresentContentDeps,
  type PresentPage,
} from '../backup/present-content.ts';
import { fitsQuarantine } from '../backup/restore-entries.ts';
import type { Category } from '../category.ts';
import { recordPk } from '../key.ts';
import type { QuarantineStore } from '../ports.ts';
import type { RecordVersion } from '../record.ts';
import { encodeRow } from '../row-encoding.ts';
import type { FlatRow, RecordKey } from '../row.ts';
import { setAsideKey } from '../set-aside-key.ts';
import { endsOf, graphTablesOf, isRemote, type GraphTables } from './graph-tables.ts';
import { orphanedEdge } from './orphaned-edge.ts';

export interface SetAsideDeps extends PresentContentDeps {
  readonly quarantine: QuarantineStore;
}

export type OrphanOutcome =
  /** Deleted at the side with authority; its row is in quarantine, from where it can be replayed. */
  | 'set-aside'
  /** Both its ends are there, or it is gone: somebody else mended it. */
  | 'mended'
  /** Authority or the row moved meanwhile, or it is too large to be kept: left as it is. */
  | 'left';

/**
 * Takes edges without an end out of the graph: each is kept whole in quarantine first, then deleted at the side with
 * authority, only while it is still what was kept. Looks at its ends again just before.
 */
export function makeSetAsideOrphans(
  deps: SetAsideDeps,
): (keys: readonly RecordKey[], fixId: string) => Promise<readonly OrphanOutcome[]> {
  const graph = graphTablesOf(deps.definition);
  return async (keys, fixId) => {
    const outcomes: OrphanOutcome[] = [];
    for (const key of keys) outcomes.push(await setAside(deps, graph, key, fixId));
    return outcomes;
  };
}

async function setAside(
  deps: SetAsideDeps,
  graph: GraphTables,
  key: RecordKey,
  fixId: string,
): Promise<OrphanOutcome> {
  const page = await readPresent(deps, graph.category, [key]);
  const present = page?.present.get(recordPk(key));
  if (page === null || present === undefined || present.damaged !== null) return 'left';
  if (present.row === null || !(await isOrphaned(deps, graph, present.row))) return 'mended';
  if (!fitsQuarantine(present, { restoreId: fixId })) return 'left';
  return await remove(deps, graph.category, { page, present, row: present.row, fixId });
}

interface Removal {
  readonly page: PresentPage;
  readonly present: Present;
  readonly row: FlatRow;
  readonly fixId: string;
}

async function remove(deps: SetAsideDeps, category: Category, removal: Removal): Promise<OrphanOutcome> {
  const { page, present } = removal;
  // Kept before it is deleted, so that a crash between leaves an entry too many, never an edge too few.
  await keep(deps, category, removal, present.version);
  const written = await replacePresent(deps, category, page, { present, row: null });
  if (written.kind !== 'written') {
    await deps.quarantine.resolve(
      setAsideKey(present.key, removal.fixId),
      category,
      present.version ?? noVersion,
    );
    return 'left';
  }
  // From now on the entry may be replayed while the key is still at this version.
  await keep(deps, category, removal, written.version);
  return 'set-aside';
}

const noVersion: RecordVersion = { epoch: 0, sequence: 0 };

async function keep(
  { quarantine, clock }: SetAsideDeps,
  category: Category,
  { present, row, fixId }: Removal,
  version: RecordVersion | null,
): Promise<void> {
  const rawRow = encodeRow(row);
  await quarantine.put({
    key: setAsideKey(present.key, fixId),
    category,
    version: version ?? noVersion,
    errorName: orphanedEdge,
    errorMessage: 'an end of this edge does not exist',
    rawRow,
    rawLengthBytes: Buffer.byteLength(rawRow),
    firstSeenAtMs: clock.nowMs(),
  });
}

async function isOrphaned(deps: SetAsideDeps, graph: GraphTables, row: FlatRow): Promise<boolean> {
  const [source = '', target = ''] = [row['source'], row['target']].map(String);
  const ends = endsOf(graph, source, target);
  const page = await readPresent(deps, graph.category, [ends.source, ends.target]);
  if (page === null) return false;
  const absent = [
    { name: source, key: ends.source },
    { name: target, key: ends.target },
  ].filter(({ key }) => {
    const end = page.present.get(recordPk(key));
    return end !== undefined && end.row === null && end.damaged === null;
  });
  return absent.some(({ name }) => !isRemote(name));
}
