import { expect, test } from 'vitest';

import { isCategoryName, longestCategoryName } from '../../../lib/migration/category.ts';
import { hal9Categories } from '../../../lib/migration/hal9-definition.ts';

test.each([...hal9Categories, 'a', 'orders', 'orders-2024', 'x'.repeat(longestCategoryName)])(
  '%s can be the name of a category',
  (name) => {
    expect(isCategoryName(name)).toBe(true);
  },
);

test.each([
  '',
  'Orders',
  'order lines',
  'order_lines',
  '-orders',
  'orders-',
  'order--lines',
  '1st',
  'sešit',
  'orders|2',
  'orders\n',
  'x'.repeat(longestCategoryName + 1),
])('%j cannot', (name) => {
  expect(isCategoryName(name)).toBe(false);
});
