import type * as z from 'zod/mini';

/** What is wrong in words; the small build of zod carries no messages of its own. */
export function describeSchemaIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.');
  const place = path === '' ? 'the document' : `"${path}"`;
  return `${place} ${faultOf(issue)}`;
}

function faultOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'unrecognized_keys':
      return `has unknown members: ${issue.keys.map((key) => `"${key}"`).join(', ')}`;
    case 'invalid_type':
      return `must be of type ${issue.expected}`;
    case 'too_small':
      return `must be at least ${String(issue.minimum)}`;
    case 'too_big':
      return `must be at most ${String(issue.maximum)}`;
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}`;
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return `must be ${issue.message}`;
  }
}
