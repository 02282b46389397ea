import type { TableInFile } from '../migration-file.ts';
import { boolean, commonColumns, json, optional, text, timestamp } from '../transforms/columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';
import { sessionExpiry } from './session-expiry.ts';

export const userSessions: readonly TableInFile[] = [
  shapedTable({
    recordType: 'user',
    table: 'flat_users',
    mapping: 'canonical',
    order: 1,
    key: ['id'],
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
    mapping: 'canonical',
    order: 2,
    key: ['id'],
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
