import type { AuditLog } from '../audit/ports.ts';
import { linkRecord, type AuditRecord } from '../audit/record.ts';

export function makeMemoryAuditLog(): AuditLog {
  const records: AuditRecord[] = [];
  return {
    append: async (entry) => {
      const record = linkRecord(entry, records.at(-1) ?? null);
      records.push(record);
      return record;
    },
    list: async (afterSequence, limit) =>
      records.filter(({ sequence }) => sequence > afterSequence).slice(0, limit),
  };
}
