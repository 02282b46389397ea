import { defineMigration } from '../../lib/migration/define-migration.ts';
import type { TableInFile, Validator } from '../../lib/migration/migration-file.ts';
import { optional, text, timestamp } from '../../lib/migration/transforms/columns.ts';
import { shapedTable } from '../../lib/migration/transforms/shaped-table.ts';
import { lineTransform } from './line-transform.ts';
import { isMoney, money } from './money.ts';

// The state of an order system. A migration file exports its definition as `migration`.

const customers: TableInFile = shapedTable({
  recordType: 'customer',
  table: 'customers',
  order: 1,
  key: ['id'],
  columns: [
    text('id', 'customer_id'),
    text('name', 'profile.name'),
    optional(text('email', 'profile.email')),
    money('credit_limit', 'credit.limit'),
    timestamp('created_at', 'created_at'),
  ],
});

/** Carts that nobody saved stay behind. */
const savedCarts: TableInFile = shapedTable({
  recordType: 'saved-cart',
  table: 'carts',
  where: "state = 'saved'",
  order: 2,
  key: ['id'],
  columns: [
    text('id', 'cart_id'),
    text('customer_id', 'customer_id'),
    text('state', 'state'),
    text('items', 'items'),
  ],
});

const knownStatus: Validator = {
  name: 'known-status',
  check: ({ status }) =>
    ['open', 'paid', 'shipped', 'cancelled'].includes(String(status))
      ? null
      : `${String(status)} is no status`,
};

const orders: TableInFile = {
  ...shapedTable({
    recordType: 'order',
    table: 'orders',
    order: 1,
    key: ['id'],
    columns: [
      text('id', 'order_id'),
      text('customer_id', 'customer_id'),
      text('status', 'status'),
      text('currency', 'total.currency'),
      money('total', 'total.amount'),
      timestamp('placed_at', 'placed_at'),
    ],
  }),
  validators: [knownStatus],
};

const orderLines: TableInFile = {
  recordType: 'order-line',
  table: 'order_lines',
  order: 2,
  key: ['order_id', 'line_no'],
  columns: [
    { name: 'order_id', storage: 'text' },
    { name: 'line_no', storage: 'integer' },
    { name: 'sku', storage: 'text' },
    { name: 'quantity', storage: 'integer' },
    { name: 'unit_price', storage: 'text' },
  ],
  transform: lineTransform,
  validators: [
    {
      name: 'positive-quantity',
      check: ({ quantity }) =>
        typeof quantity === 'bigint' && quantity > 0n ? null : `${String(quantity)} pieces cannot be ordered`,
    },
    {
      name: 'exact-price',
      check: ({ unit_price: price }) => (isMoney(price) ? null : `${String(price)} is no exact decimal`),
    },
  ],
};

export const migration = defineMigration({
  apiVersion: 'hal9-migrate/v1',
  name: 'orders',
  categories: [
    { name: 'customers', order: 1, nonCriticalJobs: ['newsletter'], tables: [customers, savedCarts] },
    { name: 'orders', order: 2, aliases: ['sales'], tables: [orders, orderLines] },
  ],
});
