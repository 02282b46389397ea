import * as z from 'zod/mini';

import { nearestName } from '../kernel/nearest-name.ts';
import { describeSchemaIssue } from '../kernel/schema-issue.ts';

/** Everything that is wrong with a document, each with its path; a member nobody knows with the one that was meant. */
export function schemaFaults(schema: z.ZodMiniType, document: unknown): readonly string[] {
  const parsed = z.safeParse(schema, document);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownMember(schema, issue.path, key))
      : [describeSchemaIssue(issue)],
  );
}

function unknownMember(schema: z.ZodMiniType, path: readonly PropertyKey[], key: string): string {
  const place = path.length === 0 ? 'the document' : `"${path.map(String).join('.')}"`;
  const meant = nearestName(key, membersAt(schema, path));
  return `${place} has an unknown member "${key}"${meant === null ? '' : `; did you mean "${meant}"?`}`;
}

/** Members of the object at a path of a schema of objects, lists and optional parts. */
function membersAt(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  const [name, ...rest] = path;
  const { def } = bare(schema);
  if (name === undefined) return Object.keys(def.shape ?? {});
  return membersAt(def.shape?.[String(name)] ?? def.element, rest);
}

interface Definition {
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly innerType?: unknown;
}

function bare(schema: unknown): { readonly def: Definition } {
  const known = schema as { readonly def: Definition };
  return known.def.innerType === undefined ? known : bare(known.def.innerType);
}
