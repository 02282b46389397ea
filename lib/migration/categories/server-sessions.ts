import type { TableInFile } from '../migration-file.ts';
import { json, optional, text, timestamp } from '../transforms/columns.ts';
import { flag, variant } from '../transforms/server-columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';
import { sessionExpiry } from './session-expiry.ts';

/** Users, their keys and their sessions, as a running server keeps them. */
export const serverSessions: readonly TableInFile[] = [
  shapedTable({
    recordType: 'server-user',
    table: 'users',
    mapping: 'server',
    order: 1,
    key: ['id'],
    columns: [
      text('id', 'user_id'),
      text('username', 'account.username'),
      text('password_hash', 'account.password_hash'),
      text('role', 'account.role'),
      flag('is_active', 'account.active'),
      timestamp('created_at', 'metadata.created_at'),
      variant(timestamp('updated_at', 'metadata.updated_at')),
      variant(timestamp('last_login', 'activity.last_login')),
      variant(text('email', 'account.email')),
      variant(flag('email_verified', 'account.email_verified')),
      variant(text('email_verification_token', 'verification.token')),
      variant(timestamp('email_verification_expires', 'verification.expires_at')),
      variant(text('password_reset_token', 'password_reset.token')),
      variant(timestamp('password_reset_expires', 'password_reset.expires_at')),
    ],
  }),
  shapedTable({
    recordType: 'api-key',
    table: 'api_keys',
    mapping: 'server',
    order: 2,
    key: ['id'],
    columns: [
      text('id', 'key_id'),
      text('user_id', 'user_id'),
      text('name', 'name'),
      text('key_hash', 'key_hash'),
      optional(json('permissions', 'permissions', [])),
      flag('is_active', 'active'),
      variant(timestamp('last_used_at', 'activity.last_used_at')),
      variant(timestamp('last_used', 'activity.last_used')),
      timestamp('created_at', 'metadata.created_at'),
      optional(timestamp('expires_at', 'activity.expires_at')),
    ],
  }),
  shapedTable({
    recordType: 'server-session',
    table: 'sessions',
    mapping: 'server',
    order: 3,
    key: ['id'],
    columns: [
      text('id', 'session_id'),
      text('user_id', 'user_id'),
      text('token_hash', 'token_hash'),
      optional(text('ip_address', 'client.ip')),
      optional(text('user_agent', 'client.user_agent')),
      timestamp('expires_at', 'activity.expires_at'),
      timestamp('created_at', 'metadata.created_at'),
    ],
    expiresAtS: sessionExpiry,
  }),
];
