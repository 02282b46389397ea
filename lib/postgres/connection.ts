import pg from 'pg';

import { isConnectionLost, sourceFault } from './faults.ts';

/** One result row; every value as the text that PostgreSQL gives for it. */
export type Cells = readonly (string | null)[];

export type Parameter = string | null | readonly (string | null)[];

/** One open transaction, or one connection outside of any. */
export interface Session {
  all(sql: string, parameters?: readonly Parameter[]): Promise<readonly Cells[]>;
  /** The first row. */
  first(sql: string, parameters?: readonly Parameter[]): Promise<Cells | undefined>;
  /** Number of rows changed. */
  run(sql: string, parameters?: readonly Parameter[]): Promise<number>;
  /** Several statements in one message, without parameters. */
  script(sql: string): Promise<void>;
}

/** A flat store in PostgreSQL: one schema of one database, over a small pool of connections. */
export interface Database extends Session {
  /** For messages: host, port, database and schema, never a credential. */
  readonly place: string;
  readonly schema: string;
  /**
   * `begin` are the statements that open the transaction, sent as one message. A connection that is lost before the
   * commit was sent is replaced, and the transaction repeated: nothing of it has happened.
   */
  transaction<Result>(begin: string, body: (session: Session) => Promise<Result>): Promise<Result>;
  /** One more connection, for what has to be asked while a transaction is open. Made when it is first asked for. */
  readonly aside: Database;
  close(): Promise<void>;
}

/** How to reach the database; `password` may be asked for with each new connection. */
export interface ConnectionTarget {
  readonly place: string;
  readonly schema: string;
  readonly connection: Pick<
    pg.PoolConfig,
    'connectionString' | 'host' | 'port' | 'database' | 'user' | 'password' | 'ssl'
  >;
  readonly maxConnections: number;
}

/** Longest wait for a connection, in milliseconds. */
const connectTimeoutMs = 10_000;
const idleTimeoutMs = 20_000;

/** Times that a transaction is repeated after its connection was lost before the commit. */
const maxReconnections = 2;

/** Text forms that lose nothing and do not depend on how the server was set up. */
const textForms =
  "SET LOCAL TimeZone TO 'UTC'; SET LOCAL DateStyle TO 'ISO, YMD'; SET LOCAL extra_float_digits TO 1; " +
  'SET LOCAL bytea_output TO hex;';

/** Connects with the first query. Every fault is a HalError of `sourceFault`. */
export function openDatabase(target: ConnectionTarget): Database {
  const { place, schema } = target;
  const pool = new pg.Pool({
    ...target.connection,
    max: target.maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: 'hal9-migrate',
  });
  // A connection that is lost while nobody asks it anything is replaced by the next query.
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  let aside: Database | null = null;
  return {
    place,
    schema,
    ...makeSession(pool, place),
    transaction: (begin, body) => repeated(() => transact(pool, place, begin, body)),
    get aside() {
      return (aside ??= openDatabase({ ...target, maxConnections: 1 }));
    },
    async close() {
      await aside?.close();
      if (!pool.ended) await pool.end();
    },
  };
}

interface Queryable {
  query(config: pg.QueryArrayConfig | string): Promise<{ rows: unknown; rowCount: number | null }>;
}

/** Values stay text: what becomes of them is decided where the column is known. */
const asText = { getTypeParser: () => (text: string) => text };

function makeSession(connection: Queryable, place: string): Session {
  const query = async (
    text: string,
    parameters: readonly Parameter[],
  ): Promise<{ rows: readonly Cells[]; rowCount: number }> => {
    try {
      const values = parameters.map((value) =>
        typeof value === 'object' && value !== null ? [...value] : value,
      );
      const { rows, rowCount } = await connection.query({ text, values, rowMode: 'array', types: asText });
      return { rows: rows as readonly Cells[], rowCount: rowCount ?? 0 };
    } catch (error) {
      throw sourceFault(error, place);
    }
  };
  return {
    all: async (sql, parameters = []) => (await query(sql, parameters)).rows,
    first: async (sql, parameters = []) => (await query(sql, parameters)).rows[0],
    run: async (sql, parameters = []) => (await query(sql, parameters)).rowCount,
    script: async (sql) => {
      try {
        await connection.query(sql);
      } catch (error) {
        throw sourceFault(error, place);
      }
    },
  };
}

type Attempt<Result> = { readonly result: Result } | { readonly lost: unknown };

async function repeated<Result>(attempt: () => Promise<Attempt<Result>>): Promise<Result> {
  for (let reconnections = 0; ; reconnections += 1) {
    const outcome = await attempt();
    if ('result' in outcome) return outcome.result;
    if (reconnections === maxReconnections) throw outcome.lost;
  }
}

/** Without a listener a connection that is lost, in use, idle or given back, would end the process. */
const ignore = (): void => undefined;

async function transact<Result>(
  pool: pg.Pool,
  place: string,
  begin: string,
  body: (session: Session) => Promise<Result>,
): Promise<Attempt<Result>> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw sourceFault(error, place);
  }
  const session = makeSession(client, place);
  let result: Result;
  try {
    await session.script(`${begin}; ${textForms}`);
    result = await body(session);
  } catch (error) {
    const lost = isConnectionLost(error);
    if (!lost) await rollBack(client);
    client.release(lost);
    if (lost) return { lost: error };
    throw error;
  }
  try {
    await session.script('COMMIT');
    client.release();
    return { result };
  } catch (error) {
    client.release(true);
    throw error;
  }
}

async function rollBack(client: pg.PoolClient): Promise<void> {
  try {
    await client.query('ROLLBACK');
  } catch {
    // The connection is gone, and the transaction with it.
  }
}
