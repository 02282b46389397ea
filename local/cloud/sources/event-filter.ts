/** Whether an event source delivers a record. */
export type EventFilter = (record: unknown) => boolean;

/** Every record. */
export const everyRecord: EventFilter = () => true;

type Pattern = Readonly<Record<string, unknown>>;

/**
 * The filter of an event source mapping: a record is delivered when one of the patterns holds. A pattern names
 * properties and lists the texts that each may have; null when it says anything else.
 * Source of the rules: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
 */
export function parseEventFilter(patterns: readonly string[]): EventFilter | null {
  const parsed = patterns.map((pattern) => JSON.parse(pattern) as unknown);
  if (!parsed.every(isSupported)) return null;
  return (record) => parsed.some((pattern) => matches(pattern, record));
}

function isSupported(pattern: unknown): pattern is Pattern {
  if (typeof pattern !== 'object' || pattern === null || Array.isArray(pattern)) return false;
  return Object.values(pattern).every((rule: unknown) =>
    Array.isArray(rule) ? rule.every((value) => typeof value === 'string') : isSupported(rule),
  );
}

function matches(pattern: Pattern, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(pattern).every(([name, rule]) => {
    const found = (value as Pattern)[name];
    return Array.isArray(rule) ? rule.includes(found) : matches(rule as Pattern, found);
  });
}
