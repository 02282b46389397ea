/** What one system answered. Words as in Scientist: the control is flat, the candidate hierarchical. */
export type Observation =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** Lower-case names; only those that `comparedHeaders` lists. */
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly durationMs: number;
    }
  /** No answer to compare: connection refused or lost, deadline passed, body beyond the limit. */
  | { readonly kind: 'failed'; readonly cause: string; readonly durationMs: number };

export type Answer = Extract<Observation, { kind: 'answered' }>;

/** The headers that carry meaning; all others differ between any two servers. */
export const comparedHeaders = ['content-type', 'etag', 'location', 'retry-after'] as const;

/** Version in an ETag, without the quotes and the weakness mark; null when there is none. */
export function versionOf(answer: Answer): string | null {
  const etag = answer.headers['etag'];
  return etag === undefined ? null : etag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
}
