import type { HierarchicalRecords } from '../gateway/ports.ts';
import { admitsHierarchical } from '../migration/admission.ts';
import { recordPk } from '../migration/key.ts';
import { compareVersions, type RecordVersion, type TargetRecord } from '../migration/record.ts';
import { authorityKey } from './authority-store.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import { asStored } from './target-store.ts';
import { putRecord, type MemoryWorld } from './world.ts';

/** `conflicts` says whether the next transaction meets another one, as the real store does under load. */
export function makeMemoryHierarchicalRecords(
  world: MemoryWorld,
  interleave: Interleave = uninterrupted,
  conflicts: () => boolean = () => false,
): HierarchicalRecords {
  return {
    read: (key) =>
      observation(interleave, 'hierarchical.read', () => {
        const record = world.records.get(recordPk(key));
        return record === undefined ? null : asStored(record);
      }),
    write: (record, { group, expected }) =>
      transaction(interleave, 'hierarchical.write', () => {
        if (conflicts()) return 'contended';
        const authority = world.authority.get(authorityKey(record.category, group));
        if (!admitsHierarchical(authority, record.version.epoch)) return 'authority-moved';
        const pk = recordPk(record.key);
        if (!isVersion(world.records.get(pk), expected)) return 'version-moved';
        putRecord(world, pk, record);
        const { key, category, version } = record;
        world.reversePending.set(pk, { key, category, group, version });
        return 'written';
      }),
  };
}

function isVersion(stored: TargetRecord | undefined, expected: RecordVersion | null): boolean {
  if (stored === undefined || expected === null) return stored === undefined && expected === null;
  return compareVersions(stored.version, expected) === 0;
}
