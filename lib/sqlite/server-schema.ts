/**
 * DDL of the store of a running HAL9 server, as its SQLite version has it. Without `api_keys`: a server that never
 * gave any has no such table.
 */
export const serverSchemaSql = `
CREATE TABLE users (
  id TEXT PRIMARY KEY NOT NULL, username TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, role TEXT NOT NULL DEFAULT 'user',
  is_active INTEGER NOT NULL DEFAULT 1, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_login INTEGER);
CREATE TABLE sessions (
  id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  token_hash TEXT NOT NULL UNIQUE, ip_address TEXT, user_agent TEXT, expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL);
CREATE INDEX idx_sessions_expires_at ON sessions (expires_at);
CREATE TABLE neurons (
  id TEXT PRIMARY KEY NOT NULL, layer TEXT NOT NULL, system_prompt TEXT NOT NULL, settings TEXT NOT NULL DEFAULT '{}',
  state TEXT NOT NULL DEFAULT 'idle', created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE signals (
  id TEXT PRIMARY KEY NOT NULL, from_neuron TEXT NOT NULL, to_neuron TEXT NOT NULL, layer_from TEXT, layer_to TEXT,
  propagation_type TEXT NOT NULL DEFAULT 'forward', content TEXT NOT NULL, metadata TEXT, timestamp INTEGER NOT NULL);
CREATE TABLE memories (
  id TEXT PRIMARY KEY NOT NULL, neuron_id TEXT NOT NULL, layer TEXT NOT NULL, timestamp INTEGER NOT NULL,
  entry_type TEXT NOT NULL, content TEXT NOT NULL, metadata TEXT, embedding BLOB, importance REAL NOT NULL DEFAULT 0.5,
  access_count INTEGER NOT NULL DEFAULT 0, last_accessed INTEGER);
CREATE TABLE metrics_aggregate (
  id INTEGER PRIMARY KEY AUTOINCREMENT, metric_name TEXT NOT NULL, neuron_id TEXT, value NUMERIC NOT NULL, labels TEXT,
  timestamp INTEGER NOT NULL);
CREATE TABLE audit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id TEXT, action TEXT NOT NULL, resource_type TEXT, resource_id TEXT,
  details TEXT, ip_address TEXT, user_agent TEXT, created_at INTEGER NOT NULL);
`;
