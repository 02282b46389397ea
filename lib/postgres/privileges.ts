import { HalError } from '../kernel/errors.ts';
import type { Database, Session } from './connection.ts';
import { quoteName } from './names.ts';
import { stateOf } from './faults.ts';
import type { TableLayout } from './table-layout.ts';

/**
 * What the change log needs: a place for its objects, the tables as their owner (triggers that also fire for
 * replication are the owner's to make), and, where tables have foreign keys or triggers of their own, leave to set
 * these aside for a reverse change. Throws HalError `SourcePrivilegeMissing` with every statement to run.
 */
export async function requirePrivileges(
  session: Session,
  { place, schema }: Pick<Database, 'place' | 'schema'>,
  layouts: ReadonlyMap<string, TableLayout>,
): Promise<void> {
  const user = (await session.first('SELECT current_user::text'))?.[0] ?? '';
  const mayCreate = await session.first(
    "SELECT (has_schema_privilege($1, 'USAGE') AND has_schema_privilege($1, 'CREATE'))::text",
    [schema],
  );
  const owners = new Set([...layouts.values()].filter(({ isOwned }) => !isOwned).map(({ owner }) => owner));
  const hasSideEffects = [...layouts.values()].some(({ sideEffects }) => sideEffects.length > 0);
  const statements = [
    ...(mayCreate?.[0] === 'true'
      ? []
      : [`GRANT USAGE, CREATE ON SCHEMA ${quoteName(schema)} TO ${quoteName(user)}`]),
    ...[...owners].map((owner) => `GRANT ${quoteName(owner)} TO ${quoteName(user)}`),
    ...(hasSideEffects && !(await maySetAside(session)) ? [await setAsideGrant(session, user)] : []),
  ];
  if (statements.length > 0) throw privilegesMissing(place, user, statements);
}

/** Throws HalError `SourcePrivilegeMissing` for tables that cannot be read. */
export async function requireReadable(
  session: Session,
  { place, schema }: Pick<Database, 'place' | 'schema'>,
  tables: readonly string[],
): Promise<void> {
  const user = (await session.first('SELECT current_user::text'))?.[0] ?? '';
  const found = await session.all(
    `SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = ANY ($2::text[]) AND NOT has_table_privilege(c.oid, 'SELECT')
     ORDER BY c.relname`,
    [schema, tables],
  );
  if (found.length === 0) return;
  throw privilegesMissing(
    place,
    user,
    found.map(
      ([name]) => `GRANT SELECT ON ${quoteName(schema)}.${quoteName(name ?? '')} TO ${quoteName(user)}`,
    ),
  );
}

function privilegesMissing(place: string, user: string, statements: readonly string[]): HalError {
  return new HalError({
    name: 'SourcePrivilegeMissing',
    message: `The user ${user} of the flat store ${place} has not all privileges that the migration needs.`,
    remedy: `Run as an administrator of the database: ${statements.join('; ')};`,
    exit: 'unauthorized',
    facts: { place, user, statements },
  });
}

async function maySetAside(session: Session): Promise<boolean> {
  await session.script('SAVEPOINT _mig_privilege');
  try {
    await session.script('SET LOCAL session_replication_role = replica');
    return true;
  } catch (error) {
    if (stateOf(error) !== '42501') throw error;
    return false;
  } finally {
    await session.script('ROLLBACK TO SAVEPOINT _mig_privilege; RELEASE SAVEPOINT _mig_privilege');
  }
}

/** A single setting can be granted from PostgreSQL 15 on. */
async function setAsideGrant(session: Session, user: string): Promise<string> {
  const version = Number((await session.first("SELECT current_setting('server_version_num')"))?.[0]);
  return version >= 150_000
    ? `GRANT SET ON PARAMETER session_replication_role TO ${quoteName(user)}`
    : `ALTER ROLE ${quoteName(user)} SUPERUSER`;
}
