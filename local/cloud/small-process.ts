/** Node options of a process that shares a few processors with many: it collects alone, and in small portions. */
export const smallProcess = ['--single-threaded-gc', '--max-semi-space-size=4'] as const;
