/** Prefix of all objects that we add to a flat store. */
export const ownPrefix = '_mig_';

/** Key columns that a log entry has room for. */
export const maxKeyColumns = 4;

export const keyColumnNames = Array.from({ length: maxKeyColumns }, (_, at) => `k${at + 1}`);
