import type { Edition, EditionPlace, EditionRecord, EditionStore } from '../migration/editions/ports.ts';

export function makeMemoryEditionStore(): EditionStore {
  const pointers = new Map<string, Edition>();
  const records = new Map<string, Map<string, EditionRecord>>();
  return {
    current: (category) => Promise.resolve(pointers.get(category) ?? null),
    write: (edition, given) => {
      const present = records.get(placeOf(edition)) ?? new Map<string, EditionRecord>();
      for (const record of given) present.set(record.pk, record);
      records.set(placeOf(edition), present);
      return Promise.resolve();
    },
    records: (edition) =>
      Promise.resolve(
        [...(records.get(placeOf(edition))?.values() ?? [])].toSorted((left, right) =>
          left.pk < right.pk ? -1 : 1,
        ),
      ),
    publish: (edition) => {
      const before = pointers.get(edition.category)?.number ?? 0;
      if (before + 1 !== edition.number) return Promise.resolve(false);
      pointers.set(edition.category, edition);
      return Promise.resolve(true);
    },
    remove: (edition) => {
      records.delete(placeOf(edition));
      return Promise.resolve();
    },
  };
}

function placeOf({ category, number, digest }: EditionPlace): string {
  return `${category}/${number}/${digest}`;
}
