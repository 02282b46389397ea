import { HalError } from '../../kernel/errors.ts';
import type { FlatWriteOutcome } from './ports.ts';

const faultsOfRow = ['RowConflict', 'TableAbsent', 'UnknownColumn'];

/** What the table refuses is an answer about the row; anything else is a fault of the store, and thrown. */
export async function rejectionOf(
  write: () => FlatWriteOutcome | Promise<FlatWriteOutcome>,
): Promise<FlatWriteOutcome> {
  try {
    return await write();
  } catch (error) {
    const isOfRow = error instanceof HalError && faultsOfRow.includes(error.name);
    if (!isOfRow && !(error instanceof TypeError)) throw error;
    return { kind: 'rejected', errorName: error.name, message: error.message };
  }
}
