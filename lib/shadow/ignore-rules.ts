/** A field that may differ, and what that means. */
export interface IgnoreRule {
  /** Segments of the path; `*` stands for any one segment, `**` at the front for any number of them. */
  readonly path: string;
  /** benign: says nothing about the answer (a time stamp). expected: the systems differ here by design. */
  readonly class: 'benign' | 'expected';
  readonly because: string;
}

/** What HAL9's two systems may answer differently. */
export const defaultIgnoreRules: readonly IgnoreRule[] = [
  { path: '**.served_at', class: 'benign', because: 'time of the answer' },
  { path: '**.servedAt', class: 'benign', because: 'time of the answer' },
  { path: '**.served_by', class: 'benign', because: 'name of the server' },
  { path: '**.servedBy', class: 'benign', because: 'name of the server' },
  { path: '**.request_id', class: 'benign', because: 'a new one for every request' },
  { path: '**.requestId', class: 'benign', because: 'a new one for every request' },
  { path: '**.processing_time_ms', class: 'benign', because: 'duration of the answer' },
  { path: '**.processingTimeMs', class: 'benign', because: 'duration of the answer' },
  { path: 'header.etag', class: 'benign', because: 'bodies decide, a version alone is no difference' },
  { path: 'header.retry-after', class: 'benign', because: 'advice about time' },
  { path: 'body.data.last_accessed', class: 'expected', because: 'reading counts as access' },
  { path: 'body.data.access_count', class: 'expected', because: 'reading counts as access' },
];

/** The first rule that covers the path; null when a difference there is a difference. */
export function findRule(path: string, rules: readonly IgnoreRule[]): IgnoreRule | null {
  const segments = path.split('.');
  return rules.find((rule) => covers(rule.path.split('.'), segments)) ?? null;
}

function covers(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern[0] === '**') {
    const tail = pattern.slice(1);
    return tail.length <= segments.length && covers(tail, segments.slice(segments.length - tail.length));
  }
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => part === '*' || part === segments[index])
  );
}
