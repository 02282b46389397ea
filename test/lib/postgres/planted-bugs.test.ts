import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { FlatSource } from '../../../lib/migration/ports.ts';
import { startPostgres, type RunningPostgres } from '../../../local/postgres/start-postgres.ts';
import { makeFlatDatabase, type FlatDatabase } from './flat-database.ts';

const category = 'user-sessions';

/** The log written before the row is, so before anything else has had its say about the row. */
const triggersBefore = `
  DROP TRIGGER _mig_session_change ON sessions;
  CREATE FUNCTION log_early() RETURNS trigger LANGUAGE plpgsql AS $fn$
  BEGIN
    INSERT INTO public._mig_log (category, record_type, op, epoch, k1, k2, k3, k4)
      SELECT category, record_type, op, epoch, NEW.id, k2, k3, k4 FROM public._mig_log LIMIT 1;
    RETURN NEW;
  END $fn$;
  CREATE TRIGGER a_log_early BEFORE INSERT OR UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION log_early()`;

/** Of the legacy system: gives a row another key than its writer did. */
const renames = `
  CREATE FUNCTION rename() RETURNS trigger LANGUAGE plpgsql AS $fn$
  BEGIN NEW.id := upper(NEW.id); RETURN NEW; END $fn$;
  CREATE TRIGGER rename BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION rename()`;

const put = (client: pg.Client, id: string): Promise<unknown> =>
  client.query(`INSERT INTO sessions VALUES ('${id}', 'x')`);

describe('bugs planted in the change log of PostgreSQL', () => {
  let server: RunningPostgres;
  let database: FlatDatabase;
  let source: FlatSource;
  let one: pg.Client;
  let other: pg.Client;
  beforeAll(async () => {
    server = await startPostgres(18, 'replica');
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    database = await makeFlatDatabase(server);
    source = database.source;
    await source.installChangeLog();
    [one, other] = [await database.connect(), await database.connect()];
  });
  afterEach(() => database.stop());

  const logged = async (
    after: number,
  ): Promise<{ readonly ids: readonly string[]; readonly last: number }> => {
    const { rows } = await other.query<{ k1: string; seq: string }>(
      'SELECT k1, seq FROM public._mig_log WHERE seq > $1 ORDER BY seq',
      [after],
    );
    return { ids: rows.map(({ k1 }) => k1), last: Number(rows.at(-1)?.seq ?? after) };
  };

  it('lose a change by reading on from the last sequence that was seen, where the product waits', async () => {
    await one.query('BEGIN');
    await put(one, 'slow');
    await put(other, 'fast');
    const tailed = await logged(0);
    const first = await source.readChanges(category, 0, 100);
    await one.query('COMMIT');

    const missed = await logged(tailed.last);
    const second = await source.readChanges(category, first.throughSequence, 100);

    expect([...tailed.ids, ...missed.ids]).toEqual(['fast']);
    const found = [...first.images, ...second.images].map(({ key }) => key.id);
    expect(found.toSorted()).toEqual(['fast', 'slow']);
  });

  it('log another key than is stored by a trigger before the row, where the product logs the row', async () => {
    await one.query(renames);
    await put(one, 'a');
    const { ids, last } = await logged(0);
    await one.query(triggersBefore);
    await put(one, 'b');

    const early = await logged(last);
    const healed = await source.readChanges(category, last, 100);

    expect(ids).toEqual(['A']);
    expect(early.ids).toEqual(['b']);
    // It finds its trigger gone, puts it back, and logs what may have been missed.
    expect(healed.images.filter(({ row }) => row !== null).map(({ key }) => key.id)).toContain('B');
  });
});
