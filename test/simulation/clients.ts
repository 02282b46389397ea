import { HalError } from '../../lib/kernel/errors.ts';
import { randomInt, type Random } from '../../lib/kernel/random.ts';
import { encodeKey, recordPk } from '../../lib/migration/key.ts';
import type { FlatRow, FlatValue, KeyPart, RecordKey } from '../../lib/migration/row.ts';
import type { MigratedTable } from '../../lib/migration/table-lookup.ts';
import { setRow, writeRow } from '../../lib/memory/flat-store.ts';
import type { Cluster } from './cluster.ts';
import { poison } from './definition.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';
import type { Process } from './processes.ts';

export interface Workload {
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly reinserts: number;
  readonly poisonedRows: number;
  readonly refusedWrites: number;
}

export interface Clients {
  /** Fills the tables before anything is migrated. */
  seed(): void;
  /** Each ends after its number of operations, or when `stop` says so. */
  user(operations: number): Promise<void>;
  legacy(operations: number): Promise<void>;
  stop(): void;
  /** What the authority of each key holds now, as last reads of the history. */
  readEverything(): void;
  readonly workload: Workload;
}

interface ClientsOptions {
  readonly faults: Faults;
  readonly cluster: Cluster;
  readonly history: History;
  readonly random: Random;
  readonly tables: readonly MigratedTable[];
  readonly keysPerTable: number;
}

export function makeClients(options: ClientsOptions): Clients {
  const { cluster, history, random, tables, faults } = options;
  const { store, world, processes } = cluster;
  const workload = { inserts: 0, updates: 0, deletes: 0, reinserts: 0, poisonedRows: 0, refusedWrites: 0 };
  const deleted = new Set<string>();
  const state = { stopped: false };
  let values = 0;
  let last: { readonly pk: string; readonly isDelete: boolean } | null = null;
  let hot: { table: MigratedTable; key: RecordKey } | null = null;

  const anyKey = (): { table: MigratedTable; key: RecordKey } => {
    // Back and forth on one key is what finds most.
    if (hot !== null && random.next() < 0.4) return hot;
    const table = tables[randomInt(random, tables.length)]!;
    const id = encodeKey(keyParts(table, randomInt(random, options.keysPerTable)));
    hot = { table, key: { recordType: table.recordType, id } };
    return hot;
  };

  const nextRow = (table: MigratedTable, key: RecordKey): FlatRow | null => {
    if (random.next() < 0.35) return null;
    values += 1;
    const isPoisoned = random.next() < 0.08;
    if (isPoisoned) workload.poisonedRows += 1;
    const text = `${isPoisoned ? poison : 'value'}-${values}`;
    const payload = faults.happens('oversizedRow') ? text.padEnd(400_000, '.') : text;
    const row = rowOf(table, key, payload);
    if (faults.happens('edgeValue'))
      return { ...row, extra: edgeValues[randomInt(random, edgeValues.length)]! };
    // A column that was not there when the migration began.
    return faults.happens('schemaDrift') ? { ...row, added: `new-${values}` } : row;
  };

  const count = (key: RecordKey, row: FlatRow | null): void => {
    const pk = recordPk(key);
    const exists = store.tables.get(key.recordType)?.rows.has(key.id) ?? false;
    const isCopying = [...world.ranges.values()].some(({ state }) => state !== 'complete');
    if (isCopying) faults.count(row === null ? 'deleteDuringCopy' : 'updateDuringCopy');
    if (last?.pk === pk && last.isDelete !== (row === null)) faults.count('flipFlop');
    last = { pk, isDelete: row === null };
    if (row === null) {
      workload.deletes += 1;
      deleted.add(pk);
    } else if (exists) workload.updates += 1;
    else if (deleted.has(pk)) workload.reinserts += 1;
    else workload.inserts += 1;
  };

  const writeByGateway = async (process: Process): Promise<void> => {
    const { table, key } = anyKey();
    const row = nextRow(table, key);
    const finish = history.beginWrite(recordPk(key), payloadOf(row));
    count(key, row);
    const outcome = await cluster.gateway(process).write(key, row);
    if (outcome.kind === 'written') finish('acknowledged');
    else if (outcome.kind !== 'unknown') {
      workload.refusedWrites += 1;
      finish('none');
    }
  };

  const readByGateway = async (process: Process): Promise<void> => {
    const { key } = anyKey();
    const finish = history.beginRead(recordPk(key));
    const outcome = await cluster.gateway(process).read(key);
    if (outcome.kind === 'read') finish(payloadOf(outcome.row));
  };

  const writeDirectly = async (process: Process): Promise<void> => {
    const { table, key } = anyKey();
    const row = nextRow(table, key);
    const finish = history.beginWrite(recordPk(key), payloadOf(row));
    count(key, row);
    await process.interleave('legacy.write:call');
    try {
      writeRow(store, table, key.id, row);
    } catch (error) {
      if (!(error instanceof HalError)) throw error;
      workload.refusedWrites += 1;
      finish('none');
      return;
    }
    await process.interleave('legacy.write:reply');
    finish('acknowledged');
  };

  const repeat = async (operations: number, operate: (process: Process) => Promise<void>): Promise<void> => {
    for (let done = 0; done < operations && !state.stopped; done += 1) {
      await processes.spawn(operate);
      await processes.spawn((process) => process.sleeper.sleep(3_000 * random.next() ** 2));
    }
  };

  return {
    workload,
    seed() {
      for (const table of tables) {
        for (let at = 0; at < options.keysPerTable; at += 1) {
          const key = { recordType: table.recordType, id: encodeKey(keyParts(table, at)) };
          const row = random.next() < 0.7 ? rowOf(table, key, `initial-${at}`) : null;
          if (row !== null) setRow(store, table, key.id, row);
          history.initial(recordPk(key), payloadOf(row));
        }
      }
    },
    user: (operations) =>
      repeat(operations, (process) =>
        random.next() < 0.4 ? readByGateway(process) : writeByGateway(process),
      ),
    legacy: (operations) => repeat(operations, writeDirectly),
    stop() {
      state.stopped = true;
    },
    readEverything() {
      for (const table of tables) {
        for (let at = 0; at < options.keysPerTable; at += 1) {
          const key = { recordType: table.recordType, id: encodeKey(keyParts(table, at)) };
          history.beginRead(recordPk(key))(authoritativePayload(cluster, table, key));
        }
      }
    },
  };

  function authoritativePayload({ store }: Cluster, table: MigratedTable, key: RecordKey): string | null {
    const flat = store.tables.get(table.recordType)?.rows.get(key.id)?.row ?? null;
    if (store.authorities.get(table.category)?.state !== 'following') return payloadOf(flat);
    const record = world.records.get(recordPk(key));
    if (record?.state === 'quarantined') return payloadOf(flat);
    return record === undefined || record.body === null
      ? null
      : payloadOf(table.transform.restore(JSON.parse(record.body)));
  }
}

function keyParts(table: MigratedTable, at: number): readonly KeyPart[] {
  const name = `k${String(at).padStart(2, '0')}`;
  return table.keyColumns.length === 1 ? [name] : [`s${at % 3}`, BigInt(at)];
}

function rowOf(table: MigratedTable, key: RecordKey, payload: string): FlatRow {
  const parts = key.id.split('|').map((part) => (part.startsWith('#') ? BigInt(part.slice(1)) : part));
  const columns = table.keyColumns.map((column, at) => [column, parts[at] ?? null]);
  return { ...(Object.fromEntries(columns) as FlatRow), payload };
}

/** What JSON, doubles, UTF-8 and other people's databases make of values. */
const edgeValues: readonly FlatValue[] = [
  2n ** 53n + 1n,
  -(2n ** 63n),
  0,
  -0,
  Number.NaN,
  Number.NEGATIVE_INFINITY,
  1e21,
  5e-324,
  '\uD800',
  'e\u0301 is not \u00e9',
  '\u0000\uFFFF\u{1F600}',
  '__proto__',
];

function payloadOf(row: FlatRow | null): string | null {
  return row === null ? null : String(row['payload']);
}
