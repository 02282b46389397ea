import * as z from 'zod/mini';

import { HalError } from '../kernel/errors.ts';
import { describeSchemaIssue } from '../kernel/schema-issue.ts';
import { openedSource, type SourceConfig } from './source-config.ts';

type Source = Readonly<Record<string, string | undefined>>;

/** Environment variables of one function, checked at load so that a bad deployment fails before the first event. */
export function parseEnvironment<Schema extends z.ZodMiniType>(
  schema: Schema,
  source: Source,
): z.output<Schema> {
  const parsed = z.safeParse(schema, source);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(describeSchemaIssue);
  throw new HalError({
    name: 'EnvironmentInvalid',
    message: `The environment of this function is not valid: ${faults.join('; ')}.`,
    remedy: 'Deploy again; if it stays, the template and the function are of different versions.',
    exit: 'usage',
    facts: { faults },
  });
}

/** A table name, queue URL or the like. */
export const nameSetting = z.string().check(z.minLength(1));

/** Whole or broken seconds as text. */
export const secondsSetting = z.pipe(
  z.string().check(z.regex(/^\d+(\.\d+)?$/, 'a number of seconds')),
  z.transform(Number),
);

/** Where the flat store is, as JSON text. */
export const sourceSetting = z.pipe(
  z.string().check(z.refine(isSourceConfig, 'JSON such as {"kind":"sqlite","path":"flat.sqlite"}')),
  z.transform((text) => JSON.parse(text) as SourceConfig),
);

function isSourceConfig(text: string): boolean {
  try {
    return z.safeParse(openedSource, JSON.parse(text)).success;
  } catch {
    return false;
  }
}
