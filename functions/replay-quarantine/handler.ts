import * as z from 'zod/mini';

import { keyOfPk } from '../../lib/migration/key.ts';
import type { QuarantineEntry } from '../../lib/migration/ports.ts';
import {
  makeReplayQuarantine,
  replayPage,
  type ReplayCounts,
  type ReplayOutcome,
  type ReplayQuarantineDeps,
} from '../../lib/migration/replay-quarantine.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

export type QuarantineAnswer =
  | { readonly entries: readonly QuarantineEntry[]; readonly cursor: string | null }
  | { readonly entry: QuarantineEntry | null }
  | { readonly outcome: ReplayOutcome | null }
  | { readonly counts: ReplayCounts; readonly cursor: string | null };

/** Longest raw row of a listing, in characters: a hundred entries must fit the answer of a function. */
const listedRawCharacters = 200;

/** Lists quarantined records, shows one with its raw row, or tries them again. */
export function makeHandler(deps: ReplayQuarantineDeps): (event: unknown) => Promise<QuarantineAnswer> {
  const category = z.enum(categoriesOf(deps.definition));
  const cursor = z.optional(z.nullable(z.string()));
  const pk = z.string().check(z.regex(/^[^/]+\//));
  const requestSchema = z.discriminatedUnion('action', [
    z.object({ action: z.literal('list'), category, cursor }),
    z.object({ action: z.literal('show'), category, pk }),
    z.object({ action: z.literal('replay'), category, pk: z.optional(pk), cursor }),
  ]);
  const replay = makeReplayQuarantine(deps);
  const { quarantine } = deps;
  return async (event) => {
    const request = requestSchema.parse(event);
    if (request.action === 'list') {
      const page = await quarantine.list(request.category, request.cursor ?? null, 100);
      const entries = page.entries.map((entry) => ({
        ...entry,
        rawRow: entry.rawRow.slice(0, listedRawCharacters),
      }));
      return { entries, cursor: page.cursor };
    }
    if (request.action === 'replay' && request.pk === undefined) {
      return await replayPage(deps, request.category, request.cursor ?? null);
    }
    const entry = await quarantine.get(request.category, keyOfPk(request.pk ?? ''));
    if (request.action === 'show') return { entry };
    return { outcome: entry === null ? null : await replay(entry) };
  };
}
