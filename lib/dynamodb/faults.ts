import { HalError } from '../kernel/errors.ts';
import type { Category } from '../migration/category.ts';
import { recordPk } from '../migration/key.ts';
import type { RecordKey } from '../migration/row.ts';

/** The stream is kept for 24 hours; a reader who comes later has lost what nobody can give back. */
export function changeLogLost(place: string, category: Category, reason: string): HalError {
  return new HalError({
    name: 'ChangeLogLost',
    message: `Changes of ${category} in ${place} are lost: ${reason}.`,
    remedy:
      'Begin anew with an empty target: delete the table of the change log (it ends in _mig_log), then migrate with another --data directory, or on AWS with a deployment of another name.',
    exit: 'conflict',
    facts: { place, category, reason },
  });
}

export function changeLogMissing(place: string, reason: string): HalError {
  return new HalError({
    name: 'ChangeLogMissing',
    message: `The flat store ${place} has no change log that fits it: ${reason}.`,
    remedy: 'Prepare the source first: the phase state-migration does, as does `hal9-migrate state migrate`.',
    exit: 'conflict',
    facts: { place, reason },
  });
}

export function streamUnsuitable(place: string, tables: readonly string[]): HalError {
  const [first = 'TABLE'] = tables.map((fault) => fault.split(' ')[0]);
  return new HalError({
    name: 'StreamUnsuitable',
    message: `The flat store ${place} does not tell its changes: ${tables.join('; ')}.`,
    remedy: `Turn the stream of each table on: aws dynamodb update-table --table-name ${first} --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES (a stream with another view type is turned off first).`,
    exit: 'sourceRejected',
    facts: { place, tables },
  });
}

/** Somebody wrote past the gateway when nobody was to write; what he wrote is remembered by its key. */
export function strayWrites(place: string, category: Category, keys: readonly RecordKey[]): HalError {
  const named = keys.slice(0, 3).map(recordPk).join(', ');
  return new HalError({
    name: 'StrayWrites',
    message: `Somebody writes ${category} in ${place} although the hierarchical side has authority (${named}): none of it is carried over.`,
    remedy:
      'Stop that writer, or deny him the table. Then write these records through the state gateway: flat takes no authority back before.',
    exit: 'conflict',
    facts: { place, category, keys: keys.slice(0, 100).map(recordPk) },
  });
}

export function drainUnproven(
  place: string,
  category: Category,
  facts: { readonly rounds: number; readonly openShards: readonly string[] },
): HalError {
  return new HalError({
    name: 'DrainUnproven',
    message: `Nobody can say that every change of ${category} in ${place} was read: after ${facts.rounds} rounds the stream showed no barrier in ${facts.openShards.length} of its shards.`,
    remedy:
      'Nothing is lost: flat has authority again once the switch is aborted. Repeat it when the streams of the tables answer promptly.',
    exit: 'unavailable',
    facts: { place, category, ...facts },
  });
}

export function tableAbsent(place: string, recordType: string): HalError {
  return new HalError({
    name: 'TableAbsent',
    message: `The flat store ${place} has no table for records of type ${recordType}.`,
    remedy: 'Write such records once the hierarchical side has authority over them.',
    exit: 'conflict',
    facts: { place, recordType },
  });
}
