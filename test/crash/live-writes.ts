import { seededRandom, randomInt } from '../../lib/kernel/random.ts';

/** Keys of the rows that are changed. */
export interface WrittenKeys {
  readonly neurons: readonly string[];
  readonly sessions: readonly string[];
  readonly learning: readonly string[];
  readonly metadata: readonly string[];
}

/** Queries of those keys, in the order in which both engines give them. */
export const keyQueries: Readonly<Record<keyof WrittenKeys, string>> = {
  neurons: 'SELECT neuron_key FROM flat_neurons ORDER BY neuron_key',
  sessions: 'SELECT id FROM flat_sessions ORDER BY id',
  learning: 'SELECT id FROM flat_learning ORDER BY id',
  metadata: 'SELECT id FROM flat_metadata ORDER BY id',
};

/** The n-th statement: the same for the same seed, whatever engine runs it, and whoever is killed meanwhile. */
export function liveWrite(keys: WrittenKeys, seed: number, turn: number): string {
  const random = seededRandom(seed * 1_000_003 + turn);
  const pick = (from: readonly string[]): string => quoted(from[randomInt(random, from.length)] ?? '');
  const path = `'setting.${randomInt(random, 60)}'`;
  const kinds = [
    () =>
      `UPDATE flat_neurons SET activation = ${randomInt(random, 1000) / 1000}, version = version + 1 WHERE neuron_key = ${pick(keys.neurons)}`,
    () => `DELETE FROM flat_sessions WHERE id = ${pick(keys.sessions)}`,
    () => `UPDATE flat_sessions SET region = 'region ${turn}' WHERE id = ${pick(keys.sessions)}`,
    () => `UPDATE flat_learning SET access_count = access_count + 1 WHERE id = ${pick(keys.learning)}`,
    () =>
      `INSERT INTO flat_config (scope, path, id, value, revision, updated_at, version)
       VALUES ('legacy', ${path}, 'legacy', '${turn}', 1, '1700000000', 1)
       ON CONFLICT (scope, path) DO UPDATE SET value = excluded.value, revision = flat_config.revision + 1`,
    () => `DELETE FROM flat_config WHERE scope = 'legacy' AND path = ${path}`,
    () => `UPDATE flat_metadata SET actor = 'legacy ${turn}' WHERE id = ${pick(keys.metadata)}`,
    () => `DELETE FROM flat_connections WHERE source = ${pick(keys.neurons)}`,
  ];
  return kinds[randomInt(random, kinds.length)]?.() ?? '';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
