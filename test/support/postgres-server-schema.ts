/** The store of a running HAL9 server as its PostgreSQL version has it: signals by month, instants with zones. */
export const serverSchemaInPostgres = `
CREATE TABLE users (id uuid PRIMARY KEY, username varchar(255) NOT NULL UNIQUE, password_hash text NOT NULL,
  role varchar(50) NOT NULL DEFAULT 'user', is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), last_login timestamptz);
CREATE TABLE sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  token_hash text NOT NULL UNIQUE, ip_address text, user_agent text, expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE neurons (id uuid PRIMARY KEY, layer varchar(10) NOT NULL, system_prompt text NOT NULL,
  settings jsonb NOT NULL DEFAULT '{}', state varchar(20) NOT NULL DEFAULT 'idle',
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE signals (id uuid NOT NULL, from_neuron uuid NOT NULL, to_neuron uuid NOT NULL, layer_from varchar(10),
  layer_to varchar(10), propagation_type varchar(20) NOT NULL DEFAULT 'forward', content text NOT NULL, metadata jsonb,
  "timestamp" timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (id, "timestamp")) PARTITION BY RANGE ("timestamp");
CREATE TABLE signals_2025_01 PARTITION OF signals
  FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-02-01 00:00:00+00');
CREATE TABLE signals_2025_02 PARTITION OF signals
  FOR VALUES FROM ('2025-02-01 00:00:00+00') TO ('2025-03-01 00:00:00+00');
CREATE TABLE signals_2025_03 PARTITION OF signals
  FOR VALUES FROM ('2025-03-01 00:00:00+00') TO ('2025-04-01 00:00:00+00');
CREATE TABLE signals_default PARTITION OF signals DEFAULT;
CREATE INDEX signals_timestamp ON signals ("timestamp");
CREATE TABLE memories (id uuid PRIMARY KEY, neuron_id uuid NOT NULL, content text NOT NULL,
  importance double precision NOT NULL DEFAULT 0.5, context jsonb, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE metrics_aggregate (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, metric_name varchar(255) NOT NULL,
  neuron_id uuid, value numeric NOT NULL, labels jsonb, "timestamp" timestamptz NOT NULL DEFAULT now());
CREATE TABLE audit_log (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id uuid, action varchar(100) NOT NULL,
  resource_type varchar(50), resource_id text, details jsonb, ip_address text, user_agent text,
  created_at timestamptz NOT NULL DEFAULT now());
`;
