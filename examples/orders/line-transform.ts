import type { Conversion, Transform } from '../../lib/migration/definition.ts';
import type { FlatRow, FlatValue } from '../../lib/migration/row.ts';

interface LineBody {
  readonly order_id: string;
  readonly line: string;
  readonly item: { readonly sku: string; readonly quantity: string };
  readonly price: string;
}

const columns = ['order_id', 'line_no', 'sku', 'quantity', 'unit_price'];

/**
 * A transform by hand: `restore` gives back exactly the row that `convert` got. Integers travel as their digits and
 * prices as the decimal that they are, so that nothing is rounded.
 */
export const lineTransform: Transform = {
  convert(row): Conversion {
    const unknown = Object.keys(row).filter((name) => !columns.includes(name) && row[name] !== null);
    if (unknown.length > 0) return rejected('UnknownColumns', `${unknown.join(', ')} would be lost`);
    const { order_id: order, line_no: line, sku, quantity, unit_price: price } = row;
    if (!isText(order) || !isText(sku) || !isText(price)) return rejected('WrongType', 'a text is missing');
    if (typeof line !== 'bigint' || typeof quantity !== 'bigint')
      return rejected('WrongType', 'an integer is missing');
    const body: LineBody = {
      order_id: order,
      line: line.toString(),
      item: { sku, quantity: quantity.toString() },
      price,
    };
    return { kind: 'converted', record: { body } };
  },
  restore(body): FlatRow {
    const { order_id, line, item, price } = body as LineBody;
    return {
      order_id,
      line_no: BigInt(line),
      sku: item.sku,
      quantity: BigInt(item.quantity),
      unit_price: price,
    };
  },
};

/** What JSON and every store can carry. */
function isText(value: FlatValue | undefined): value is string {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0');
}

function rejected(errorName: string, message: string): Conversion {
  return { kind: 'rejected', errorName, message };
}
