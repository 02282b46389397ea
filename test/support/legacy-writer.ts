import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

/** A program of the flat system that knows nothing of the migration: plain SQL, straight into the file. */
export interface LegacyWriter {
  /** Statements that were committed. */
  readonly writes: number;
  /** Ends the writing; throws what the last write threw. */
  stop(): Promise<void>;
}

/** Leaves the machine to the cloud under test: a copy has to catch up with whatever is written. */
const betweenWritesMs = 12;

/** Changes, removes, brings back and adds rows in all five categories until it is stopped. */
export function startLegacyWriter(path: string): LegacyWriter {
  const database = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: false });
  const sessions = idsOf(database, 'SELECT id FROM flat_sessions');
  const neurons = idsOf(database, 'SELECT neuron_key FROM flat_neurons');
  const learning = idsOf(database, 'SELECT id FROM flat_learning');
  const metadata = idsOf(database, 'SELECT id FROM flat_metadata');
  const removed: Record<string, SQLInputValue>[] = [];
  const steps = [
    (turn: number) =>
      change(database, 'UPDATE flat_neurons SET activation = ?, version = version + 1 WHERE neuron_key = ?', [
        (turn % 1000) / 1000,
        pick(neurons, turn),
      ]),
    (turn: number) => removeSession(database, pick(sessions, turn), removed),
    (turn: number) =>
      change(database, 'UPDATE flat_learning SET access_count = access_count + 1 WHERE id = ?', [
        pick(learning, turn),
      ]),
    () => (removed.length > 5 ? bringBack(database, removed) : 0),
    (turn: number) =>
      change(
        database,
        `INSERT INTO flat_config (scope, path, id, value, revision, updated_at, version)
         VALUES ('legacy', ?, ?, ?, 1, ?, 1)
         ON CONFLICT (scope, path) DO UPDATE SET value = excluded.value, revision = revision + 1`,
        [`setting.${turn % 50}`, `legacy-${turn % 50}`, JSON.stringify(`value ${turn}`), 1_700_000_000_000],
      ),
    (turn: number) =>
      change(database, "DELETE FROM flat_config WHERE scope = 'legacy' AND path = ?", [
        `setting.${(turn * 7) % 50}`,
      ]),
    (turn: number) =>
      change(database, 'UPDATE flat_metadata SET actor = ? WHERE id = ?', [
        `legacy ${turn}`,
        pick(metadata, turn),
      ]),
  ];
  let writes = 0;
  const stopped = new AbortController();
  const work = (async () => {
    for (let turn = 0; !stopped.signal.aborted; turn += 1) {
      writes += steps[turn % steps.length]?.(turn) ?? 0;
      await new Promise((resolve) => setTimeout(resolve, betweenWritesMs));
    }
    for (let left = removed.length; left > 0; left -= 1) writes += bringBack(database, removed);
    database.close();
  })();
  return {
    get writes() {
      return writes;
    },
    async stop() {
      stopped.abort();
      await work;
    },
  };
}

function idsOf(database: DatabaseSync, sql: string): readonly string[] {
  return database
    .prepare(sql)
    .all()
    .map((row) => String(Object.values(row)[0]));
}

function pick(ids: readonly string[], turn: number): string {
  return ids[(turn * 31) % ids.length] ?? '';
}

function change(database: DatabaseSync, sql: string, values: readonly SQLInputValue[]): number {
  return Number(database.prepare(sql).run(...values).changes);
}

function removeSession(database: DatabaseSync, id: string, removed: Record<string, SQLInputValue>[]): number {
  const statement = database.prepare('SELECT * FROM flat_sessions WHERE id = ?');
  statement.setReadBigInts(true);
  const row = statement.get(id);
  if (row === undefined) return 0;
  const changes = change(database, 'DELETE FROM flat_sessions WHERE id = ?', [id]);
  removed.push(row);
  return changes;
}

/** The row that was removed first. */
function bringBack(database: DatabaseSync, removed: Record<string, SQLInputValue>[]): number {
  const row = removed.shift();
  if (row === undefined) return 0;
  const names = Object.keys(row);
  return change(
    database,
    `INSERT INTO flat_sessions (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    Object.values(row),
  );
}
