import type { FlatRow } from '../row.ts';
import type { MigratedTable } from '../table-lookup.ts';
import { boolean, commonColumns, json, optional, text, timestamp } from '../transforms/columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';
import { parseTimestamp } from '../transforms/timestamp.ts';

/** Stores may drop a session only this long after its end, so that a rollback never meets a dropped one. */
const graceMs = 14 * 24 * 60 * 60 * 1000;

export const userSessions: readonly MigratedTable[] = [
  shapedTable({
    recordType: 'user',
    table: 'flat_users',
    category: 'user-sessions',
    keyColumns: ['id'],
    columns: [
      text('id', 'user_id'),
      text('username', 'account.username'),
      optional(text('email', 'account.email')),
      text('role', 'account.role'),
      boolean('is_active', 'account.active'),
      optional(timestamp('last_login', 'activity.last_login')),
      timestamp('created_at', 'metadata.created_at'),
      ...commonColumns,
    ],
  }),
  shapedTable({
    recordType: 'session',
    table: 'flat_sessions',
    category: 'user-sessions',
    keyColumns: ['id'],
    columns: [
      text('id', 'session_id'),
      text('user_id', 'user_id'),
      text('token_hash', 'token_hash'),
      optional(text('ip', 'client.ip')),
      optional(text('user_agent', 'client.user_agent')),
      optional(text('region', 'client.region')),
      optional(json('data', 'data', {})),
      timestamp('created_at', 'metadata.created_at'),
      optional(timestamp('last_accessed_at', 'activity.last_accessed_at')),
      timestamp('expires_at', 'activity.expires_at'),
      ...commonColumns,
    ],
    expiresAtS: sessionExpiry,
  }),
];

/** A session that is over when it is converted stays for good, as history. */
function sessionExpiry(row: FlatRow, nowMs: number): number | undefined {
  const expiresAtMs = parseTimestamp(row['expires_at'] ?? null);
  if (expiresAtMs === null || expiresAtMs <= nowMs) return undefined;
  return Math.ceil((expiresAtMs + graceMs) / 1000);
}
