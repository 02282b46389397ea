CREATE TABLE customers (
  id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL, email TEXT UNIQUE, credit_limit TEXT NOT NULL,
  created_at TEXT NOT NULL);
CREATE TABLE orders (
  id TEXT PRIMARY KEY NOT NULL, customer_id TEXT NOT NULL REFERENCES customers (id), status TEXT NOT NULL,
  currency TEXT NOT NULL, total TEXT NOT NULL, placed_at TEXT NOT NULL);
CREATE TABLE order_lines (
  order_id TEXT NOT NULL REFERENCES orders (id), line_no INTEGER NOT NULL, sku TEXT NOT NULL,
  quantity INTEGER NOT NULL, unit_price TEXT NOT NULL, PRIMARY KEY (order_id, line_no)) WITHOUT ROWID;
CREATE TABLE carts (
  id TEXT PRIMARY KEY NOT NULL, customer_id TEXT NOT NULL, state TEXT NOT NULL, items TEXT NOT NULL);
