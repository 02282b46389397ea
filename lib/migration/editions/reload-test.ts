import { parseExactJson } from '../../kernel/canonical-json.ts';
import { HalError } from '../../kernel/errors.ts';
import { encodeKey, recordPk } from '../key.ts';
import type { FlatRow, RecordKey } from '../row.ts';
import type { EditionRecord } from './ports.ts';

/** Settings that nobody reads: made by the test, changed by it, and removed by it. */
const testPath = (at: number): string => `hal9-migrate.reload-test.${at}`;

export const mostTestChanges = 500;

/** The state gateway, as far as the test writes through it. */
export interface SettingWriter {
  write(
    key: RecordKey,
    row: FlatRow | null,
  ): Promise<{ readonly kind: string; readonly message?: string } | { readonly kind: string }>;
}

/** What a reader has of the test: all of one generation, none, or parts of several, which must never be. */
export type SeenGeneration = number | 'none' | 'mixed';

export function testKey(at: number): RecordKey {
  return { recordType: 'config', id: encodeKey(['feature', testPath(at)]) };
}

/** Writes the settings of one generation through the gateway, one by one as users do; null removes them. */
export async function writeGeneration(
  gateway: SettingWriter,
  request: { readonly changes: number; readonly generation: number | null; readonly nowMs: number },
): Promise<void> {
  for (let at = 0; at < request.changes; at += 1) {
    const row = request.generation === null ? null : testRow(at, request.generation, request.nowMs);
    const outcome = await gateway.write(testKey(at), row);
    if (outcome.kind === 'written') continue;
    const message = 'message' in outcome ? outcome.message : 'authority over it is moving';
    throw new HalError({
      name: 'ReloadTestFailed',
      message: `The setting ${testPath(at)} could not be written: ${message}.`,
      remedy: 'Run the test again; it begins by writing all of its settings anew.',
      exit: 'unavailable',
      facts: { at, generation: request.generation },
    });
  }
}

/** Which generation a whole edition shows. */
export function seenGeneration(records: readonly EditionRecord[], changes: number): SeenGeneration {
  const bodies = new Map(records.map(({ pk, body }) => [pk, body]));
  const seen = new Set<number | 'none'>();
  for (let at = 0; at < changes; at += 1) {
    const body = bodies.get(recordPk(testKey(at)));
    seen.add(body === undefined ? 'none' : generationOf(body));
  }
  const [first = 'none'] = seen;
  return seen.size === 1 ? first : 'mixed';
}

function generationOf(body: string): number {
  const { value } = parseExactJson(body) as { readonly value?: { readonly generation?: number } };
  return value?.generation ?? Number.NaN;
}

function testRow(at: number, generation: number, nowMs: number): FlatRow {
  return {
    scope: 'feature',
    path: testPath(at),
    id: `hal9-migrate-reload-test-${at}`,
    value: JSON.stringify({ generation }),
    revision: BigInt(generation),
    updated_at: BigInt(nowMs),
    version: BigInt(generation),
    checksum: null,
    organization_id: null,
  };
}
