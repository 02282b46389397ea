import { canonicalJson, parseExactJson } from '../../kernel/canonical-json.ts';
import type { Clock, Sleeper } from '../../kernel/clock.ts';
import type { MigrationDefinition } from '../definition.ts';
import { decodeKey, encodeKey, keyOfPk, recordPk } from '../key.ts';
import type { FlatSource, SourceImage, TableSegment, TargetStore } from '../ports.ts';
import { learningCategory as category, noLearningData } from './learning-category.ts';
import { recall, type LearningKind, type Recall } from './recall.ts';

export interface CompareLearningDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: Pick<TargetStore, 'read'>;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

interface LearningDifference {
  readonly pk: string;
  readonly flat: Recall;
  readonly hierarchical: Recall;
}

export interface LearningComparison {
  readonly samples: number;
  /** Records of the kind that were found and asked for in both systems. */
  readonly compared: number;
  /** Of them, those that neither system can read. */
  readonly unreadable: number;
  readonly differing: number;
  /** The first twenty. */
  readonly differences: readonly LearningDifference[];
}

export type LearningAnswer =
  | {
      readonly done: false;
      readonly cursor: string;
      readonly result: LearningComparison;
      readonly share: number;
    }
  | { readonly done: true; readonly result: LearningComparison; readonly share: number };

interface Place {
  /** Encoded key; null is the beginning. */
  readonly after: string | null;
  readonly segment?: TableSegment;
}

interface Position {
  /** Where to look, spread over the store. */
  readonly places: readonly Place[];
  readonly at: number;
  readonly result: LearningComparison;
}

const recordType = 'learning';
/** Rows that are looked through at one place. */
const rowsAtPlace = 12;
const mostDifferences = 20;
const rechecks = 3;
const recheckAfterMs = 250;

/**
 * Takes records of one kind, spread over the store, and asks both systems about each: what a pattern recognises and
 * how surely, or where a gradient leads. Throws HalError `NoLearningData`.
 */
export function makeCompareLearning(
  deps: CompareLearningDeps,
): (
  request: { readonly kind: LearningKind; readonly samples: number },
  cursor: string | null,
  deadlineMs: number,
) => Promise<LearningAnswer> {
  return async ({ kind, samples }, cursor, deadlineMs) => {
    requireLearning(deps.definition);
    let position: Position =
      cursor === null ? await firstPosition(deps.source, samples) : (JSON.parse(cursor) as Position);
    while (position.at < position.places.length && position.result.compared < samples) {
      const room = samples - position.result.compared;
      const place = position.places[position.at] ?? { after: null };
      const images = await rowsOfKind(deps.source, kind, place, room);
      position = {
        ...position,
        at: position.at + 1,
        result: await compareRows(deps, kind, images, position.result),
      };
      if (deps.clock.nowMs() >= deadlineMs && position.at < position.places.length) {
        const share = position.at / position.places.length;
        return { done: false, cursor: JSON.stringify(position), result: position.result, share };
      }
    }
    return { done: true, result: position.result, share: 1 };
  };
}

async function firstPosition(source: FlatSource, samples: number): Promise<Position> {
  const count = await source.countRows(recordType);
  const places: Place[] = [];
  for await (const { after, segment } of source.planRanges(
    recordType,
    Math.max(rowsAtPlace, Math.floor(count / samples)),
  )) {
    const place = { after: after === null ? null : encodeKey(after) };
    places.push(segment === undefined ? place : { ...place, segment });
  }
  const result = { samples, compared: 0, unreadable: 0, differing: 0, differences: [] };
  return { places, at: 0, result };
}

/** Up to `room` rows of the kind from the first ones at the place. */
async function rowsOfKind(
  source: FlatSource,
  kind: LearningKind,
  { after: id, ...place }: Place,
  room: number,
): Promise<readonly SourceImage[]> {
  const after = id === null ? null : decodeKey(id);
  const page = await source.readRange(recordType, { ...place, after, upTo: null }, rowsAtPlace);
  return page.images.filter(({ row }) => row?.['record_type'] === kind).slice(0, room);
}

async function compareRows(
  deps: CompareLearningDeps,
  kind: LearningKind,
  images: readonly SourceImage[],
  before: LearningComparison,
): Promise<LearningComparison> {
  let pairs = await askBoth(deps, kind, images);
  // A change may be on its way: what differs is looked at again.
  for (let round = 0; round < rechecks && pairs.some(isDifferent); round += 1) {
    await deps.sleeper.sleep(recheckAfterMs);
    const again = pairs.filter(isDifferent).map(({ pk }) => keyOfPk(pk));
    const current = await deps.source.readCurrent(category, again);
    const settled = pairs.filter((pair) => !isDifferent(pair));
    pairs = [...settled, ...(await askBoth(deps, kind, current.images))];
  }
  const differing = pairs.filter(isDifferent);
  return {
    samples: before.samples,
    compared: before.compared + pairs.length,
    unreadable:
      before.unreadable + pairs.filter(({ flat }) => flat === null).length - unreadableOf(differing),
    differing: before.differing + differing.length,
    differences: [...before.differences, ...differing].slice(0, mostDifferences),
  };
}

function unreadableOf(pairs: readonly LearningDifference[]): number {
  return pairs.filter(({ flat }) => flat === null).length;
}

/** Null on both sides for what is in quarantine, and for payloads that are none. */
async function askBoth(
  { target }: CompareLearningDeps,
  kind: LearningKind,
  images: readonly SourceImage[],
): Promise<readonly LearningDifference[]> {
  const stored = await target.read(images.map(({ key }) => key));
  return images.map(({ key, row }): LearningDifference => {
    const pk = recordPk(key);
    const record = stored.get(pk);
    if (record?.intact === true && record.state === 'quarantined')
      return { pk, flat: null, hierarchical: null };
    const body = record?.intact === true && record.body !== null ? parseExactJson(record.body) : null;
    return {
      pk,
      flat: recall(kind, payloadOf(row?.['payload'])),
      hierarchical: recall(kind, (body as { payload?: unknown } | null)?.payload),
    };
  });
}

function isDifferent({ flat, hierarchical }: LearningDifference): boolean {
  return canonicalJson(flat) !== canonicalJson(hierarchical);
}

function payloadOf(text: unknown): unknown {
  try {
    return typeof text === 'string' ? parseExactJson(text) : null;
  } catch {
    return null;
  }
}

function requireLearning(definition: MigrationDefinition): void {
  const has = definition.tables.some(
    (table) => table.recordType === recordType && table.category === category,
  );
  if (!has) throw noLearningData(definition);
}
