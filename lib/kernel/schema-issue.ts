import type * as z from 'zod/mini';

/** What is wrong in words; the small build of zod carries no messages of its own. */
export function describeSchemaIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.');
  const place = path === '' ? 'the document' : `"${path}"`;
  return `${place} ${faultOf(issue)}`;
}

function faultOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return `has unknown members: ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
  }
  return `must be ${expectationOf(issue)}`;
}

function expectationOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `of type ${issue.expected}`;
  if (issue.code === 'too_small') return `at least ${String(issue.minimum)}`;
  if (issue.code === 'too_big') return `at most ${String(issue.maximum)}`;
  if (issue.code === 'invalid_value') return issue.values.map(String).join(' or ');
  return issue.message;
}
