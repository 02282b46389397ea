import * as z from 'zod/mini';

import { HalError } from '../kernel/errors.ts';
import { everybodyThousandths } from '../kernel/percent.ts';
import { describeSchemaIssue } from '../kernel/schema-issue.ts';

/** Names that would reach an object's prototype if somebody assigned them. */
export const unsafeNames = ['constructor', 'prototype'] as const;
export const featureNamePattern = /^[a-z][a-z0-9_]{0,63}$/;
export const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z$/;
export const mostFeatures = 100;
export const longestName = 200;
export const longestReason = 1000;

const thousandths = z.int().check(z.gte(0), z.lte(everybodyThousandths));
/** Length in characters as JSON Schema counts them, not in UTF-16 units. */
const boundedText = (least: number, most: number) =>
  z
    .string()
    .check(
      z.refine(
        (text) => characterCount(text) >= least && characterCount(text) <= most,
        `${least} to ${most} characters long`,
      ),
    );

const characterCount = (text: string): number => Array.from(text).length;

const featureState = z.strictObject({ enabled: z.boolean(), thousandths });

const flagsDocument = z.strictObject({
  schemaVersion: z.literal(1),
  /** Raised by every rollback; whoever still acts on a lower one is late and is refused. */
  routingEpoch: z.int().check(z.gte(0), z.lte(Number.MAX_SAFE_INTEGER)),
  /** Everything to flat at once, whatever the other fields say. */
  killSwitch: z.boolean(),
  /** Off: nobody is routed to the hierarchical system. */
  hierarchicalEnabled: z.boolean(),
  /** Share of subjects routed to the hierarchical system, in thousandths of a percent. */
  trafficThousandths: thousandths,
  shadow: z.strictObject({ enabled: z.boolean(), sampleThousandths: thousandths }),
  features: z.record(z.string().check(z.regex(featureNamePattern, 'a flag name')), featureState).check(
    z.refine((states) => unsafeNames.every((name) => !Object.hasOwn(states, name)), 'without reserved names'),
    z.refine((states) => Object.keys(states).length <= mostFeatures, `at most ${mostFeatures} flags`),
  ),
  updatedBy: boundedText(1, longestName),
  updatedAt: z.string().check(z.regex(instantPattern, 'an instant such as 2026-01-31T09:30:00Z')),
  reason: boundedText(0, longestReason),
});

/** What AppConfig holds: the system of record for traffic and features. */
export type FlagsDocument = z.infer<typeof flagsDocument>;

/** What a new environment starts with: everything off, everybody on flat. */
export const defaultFlagsDocument: FlagsDocument = {
  schemaVersion: 1,
  routingEpoch: 0,
  killSwitch: false,
  hierarchicalEnabled: false,
  trafficThousandths: 0,
  shadow: { enabled: false, sampleThousandths: 0 },
  features: {},
  updatedBy: 'hal9-migrate',
  updatedAt: '1970-01-01T00:00:00Z',
  reason: 'initial state',
};

/** Reads untrusted JSON text. Throws a HalError `FlagsInvalid` that names every fault at once. */
export function parseFlagsDocument(text: string): FlagsDocument {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw flagsInvalid([`it is not JSON: ${(cause as Error).message}`], cause);
  }
  return checkFlagsDocument(json);
}

/** As `parseFlagsDocument`, for a value that has been parsed already. */
export function checkFlagsDocument(value: unknown): FlagsDocument {
  const faults = hasUnsafeKey(value) ? ['"__proto__" is not a key of this document'] : [];
  const parsed = z.safeParse(flagsDocument, value);
  if (!parsed.success) faults.push(...parsed.error.issues.map(describeSchemaIssue));
  if (faults.length > 0 || !parsed.success) throw flagsInvalid(faults);
  return parsed.data;
}

/** JSON text for AppConfig, with two spaces so that an operator can read it in the console. */
export function formatFlagsDocument(document: FlagsDocument): string {
  return JSON.stringify(document, null, 2);
}

/** JSON.parse makes `__proto__` an own key, which a schema's key check may well overlook. */
function hasUnsafeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasUnsafeKey);
}

function flagsInvalid(faults: readonly string[], cause?: unknown): HalError {
  return new HalError({
    name: 'FlagsInvalid',
    message: `The flags document cannot be used: ${faults.join('; ')}.`,
    remedy: 'Correct these fields and deploy the configuration again; the flags in force stay as they are.',
    facts: { faults },
    cause,
  });
}
