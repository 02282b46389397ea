/** Tells the log of the function why one event of a batch failed; the event source only learns that it did. */
export function logFailure(eventId: string, error: unknown): void {
  const line = {
    level: 'error',
    eventId,
    ...(error instanceof Error
      ? { name: error.name, message: error.message, stack: error.stack }
      : { message: String(error) }),
  };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
