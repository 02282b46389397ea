/** Two dozen isolates share one process and a few processors: helpers that collect in parallel would only fight. */
export const manyIsolates = ['--single-threaded-gc'] as const;

/** Node options of a process that shares a few processors with many: it collects alone, and in small portions. */
export const smallProcess = ['--single-threaded-gc', '--max-semi-space-size=4'] as const;
