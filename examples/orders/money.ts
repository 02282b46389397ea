import type { FlatValue } from '../../lib/migration/row.ts';
import { column } from '../../lib/migration/transforms/columns.ts';
import { rejected, shaped, unexpectedShape, type ColumnCodec } from '../../lib/migration/transforms/shape.ts';
import type { ShapedColumn } from '../../lib/migration/transforms/shaped-table.ts';

/** An amount with at most four decimals, kept as text: a double would round it. */
export function isMoney(value: FlatValue | undefined): value is string {
  return typeof value === 'string' && /^-?(0|[1-9]\d{0,17})(\.\d{1,4})?$/.test(value);
}

/** A column of amounts: decimals as text in SQLite, `numeric` in PostgreSQL. */
export function money(name: string, path: string): ShapedColumn {
  return column(name, 'text', path, moneyCodec);
}

const moneyCodec: ColumnCodec = {
  toShape: (value) =>
    isMoney(value) ? shaped(value) : rejected('InexactMoney', 'an amount is no exact decimal'),
  fromShape(shape) {
    if (typeof shape === 'string' && isMoney(shape)) return shape;
    throw unexpectedShape('an exact decimal', shape);
  },
};
