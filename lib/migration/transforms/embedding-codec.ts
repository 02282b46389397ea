import { shaped, unexpectedShape, type ColumnCodec } from './shape.ts';

/** A blob of little-endian single precision numbers, kept as its bytes: as decimals it would be five times as long. */
export const embeddingCodec: ColumnCodec = {
  toShape(value) {
    if (!(value instanceof Uint8Array)) return shaped(null);
    const base64 = Buffer.from(value).toString('base64');
    return shaped(
      value.length % 4 === 0
        ? { format: 'f32le', dimensions: value.length / 4, base64 }
        : { format: 'bytes', base64 },
    );
  },
  fromShape(shape) {
    if (shape === null) return null;
    if (typeof shape === 'object') {
      const { base64 } = shape as { base64?: unknown };
      if (typeof base64 === 'string') return new Uint8Array(Buffer.from(base64, 'base64'));
    }
    throw unexpectedShape('an embedding', shape);
  },
};
