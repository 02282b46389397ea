CREATE TABLE customers (
  id uuid PRIMARY KEY, name text NOT NULL, email text UNIQUE, credit_limit numeric(14, 2) NOT NULL,
  created_at timestamptz NOT NULL);
CREATE TABLE orders (
  id uuid PRIMARY KEY, customer_id uuid NOT NULL REFERENCES customers (id), status text NOT NULL,
  currency text NOT NULL, total numeric(14, 2) NOT NULL, placed_at timestamptz NOT NULL);
CREATE TABLE order_lines (
  order_id uuid NOT NULL REFERENCES orders (id), line_no integer NOT NULL, sku text NOT NULL,
  quantity integer NOT NULL, unit_price numeric(24, 4) NOT NULL, PRIMARY KEY (order_id, line_no));
CREATE TABLE carts (
  id uuid PRIMARY KEY, customer_id uuid NOT NULL, state text NOT NULL, items text NOT NULL);
