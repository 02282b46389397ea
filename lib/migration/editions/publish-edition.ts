import { HalError } from '../../kernel/errors.ts';
import type { Category } from '../category.ts';
import { isCopied } from '../fold-rows.ts';
import { collectCut, type CollectCutDeps } from './collect-cut.ts';
import { editionDigest, isWhole } from './edition-digest.ts';
import type { Edition, EditionRecord, EditionStore } from './ports.ts';

export interface PublishEditionDeps extends CollectCutDeps {
  readonly editions: EditionStore;
}

export interface PublishRequest {
  readonly category: Category;
  readonly by: string;
  readonly dryRun: boolean;
}

export type PublishAnswer =
  | { readonly kind: 'published' | 'unchanged' | 'would-publish'; readonly edition: Edition }
  /** Changes are on their way: ask again. */
  | { readonly kind: 'pending' };

/** A reader that takes longer than this many publications over one edition has to read anew. */
const keptEditions = 3;

/**
 * Writes an edition where nobody looks, reads it back, and makes it current by one conditional write of one item.
 * Throws HalErrors `BackfillIncomplete`, `EditionUnfit`, `EditionTooLarge`, `EditionDamaged`.
 */
export function makePublishEdition(
  deps: PublishEditionDeps,
): (request: PublishRequest) => Promise<PublishAnswer> {
  return async ({ category, by, dryRun }) => {
    await requireCopied(deps, category);
    const before = await deps.editions.current(category);
    const cut = await collectCut(deps, category);
    if (cut.kind === 'pending') return { kind: 'pending' };
    if (cut.kind === 'unfit') throw unfit(category, cut.pks);
    if (cut.kind === 'too-many') throw tooLarge(category, cut.most);
    const { records } = cut;
    const digest = editionDigest(records);
    if (before?.digest === digest && (await isThere(deps, before))) {
      return { kind: 'unchanged', edition: before };
    }
    const number = (before?.number ?? 0) + 1;
    const publishedAtMs = deps.clock.nowMs();
    const earlier = before === null ? [] : [...before.earlier, placeOf(before)].slice(-keptEditions);
    const edition = { category, number, count: records.length, digest, publishedAtMs, by, earlier };
    if (dryRun) return { kind: 'would-publish', edition };
    return await publish(deps, { edition, before }, records);
  };
}

async function publish(
  { editions }: PublishEditionDeps,
  { edition, before }: { readonly edition: Edition; readonly before: Edition | null },
  records: readonly EditionRecord[],
): Promise<PublishAnswer> {
  await editions.write(edition, records);
  if (!isWhole(edition, await editions.records(edition))) throw notWritten(edition);
  if (await editions.publish(edition)) {
    for (const place of before?.earlier ?? []) {
      const isKept = edition.earlier.some(({ number }) => number === place.number);
      if (!isKept) await editions.remove({ ...place, category: edition.category });
    }
    return { kind: 'published', edition };
  }
  const present = await editions.current(edition.category);
  const isOurs = present?.number === edition.number && present.digest === edition.digest;
  // Of the same content: somebody else published the very same. Otherwise nobody will ever read these.
  if (isOurs) return { kind: 'published', edition: present };
  await editions.remove(edition);
  return { kind: 'pending' };
}

function placeOf({ number, digest }: Edition): Edition['earlier'][number] {
  return { number, digest };
}

async function isThere({ editions }: PublishEditionDeps, edition: Edition): Promise<boolean> {
  return isWhole(edition, await editions.records(edition));
}

async function requireCopied(deps: PublishEditionDeps, category: Category): Promise<void> {
  if (await isCopied(deps, category)) return;
  throw new HalError({
    name: 'BackfillIncomplete',
    message: `The category ${category} is not copied yet: an edition of it would be a part.`,
    remedy: 'Run `hal9-migrate state migrate` until it ends.',
    exit: 'gateFailed',
    facts: { category },
  });
}

function unfit(category: Category, pks: readonly string[]): HalError {
  const named = pks.slice(0, 5).join(', ');
  const more = pks.length > 5 ? ` and ${pks.length - 5} more` : '';
  return new HalError({
    name: 'EditionUnfit',
    message: `No edition of ${category} can be published: ${named}${more} are in quarantine, missing or damaged on the target.`,
    remedy: 'See `hal9-migrate state quarantine list` and `hal9-migrate reconcile`, then publish again.',
    exit: 'gateFailed',
    facts: { category, pks: pks.slice(0, 100) },
  });
}

function tooLarge(category: Category, most: number): HalError {
  return new HalError({
    name: 'EditionTooLarge',
    message: `The category ${category} has more than ${most} records: too many to become visible at once.`,
    remedy: 'Editions are for small categories such as configuration; read the others record by record.',
    exit: 'usage',
    facts: { category, most },
  });
}

function notWritten({ category, number }: Edition): HalError {
  return new HalError({
    name: 'EditionDamaged',
    message: `Edition ${number} of ${category} was not stored as it was written, and did not become current.`,
    remedy: 'Publish again; readers keep the edition that they have.',
    facts: { category, number },
  });
}
