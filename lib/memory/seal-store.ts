import type { AuditSeal, AuditStream, SealStore } from '../migration/audit-chain/ports.ts';

export function makeMemorySealStore(): SealStore {
  const seals = new Map<string, AuditSeal[]>();
  return {
    list: (stream) => Promise.resolve([...(seals.get(nameOf(stream)) ?? [])]),
    append: (stream, seal) => {
      const present = seals.get(nameOf(stream)) ?? [];
      if (present.length !== seal.index) return Promise.resolve(false);
      seals.set(nameOf(stream), [...present, seal]);
      return Promise.resolve(true);
    },
  };
}

function nameOf({ recordType, stream }: AuditStream): string {
  return `${recordType}/${stream}`;
}
