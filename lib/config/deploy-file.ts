import * as z from 'zod/mini';

import { HalError } from '../kernel/errors.ts';
import { describeSchemaIssue } from '../kernel/schema-issue.ts';
import { sourceConfig } from './source-config.ts';

/** The file in the project's root that describes one deployment; everything the CDK app and the CLI need to know. */
export const deployFileName = 'hal9.deploy.json';

/** The migration file where the deploy file names none; looked for beside it. Without one, HAL9's own definition. */
export const migrationFileName = 'hal9-migration.ts';

const name = z
  .string()
  .check(z.regex(/^[a-z][a-z0-9-]{1,20}$/, 'lower-case letters, digits and dashes, 2 to 21 characters'));
const email = z.string().check(z.regex(/^[^@\s]+@[^@\s]+\.[^@\s]+$/, 'an e-mail address'));
const region = z.string().check(z.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'an AWS Region such as eu-west-1'));

const origin = z.strictObject({
  /** Host that CloudFront connects to; never taken from a request. */
  domainName: z
    .string()
    .check(z.regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i, 'a host name without scheme, port or path')),
  port: z.int().check(z.gte(1), z.lte(65_535)),
  protocol: z.enum(['http', 'https']),
});

const deployFile = z.strictObject({
  $schema: z.optional(z.string()),
  /** Prefix of every physical name. */
  name,
  account: z.optional(z.string().check(z.regex(/^\d{12}$/, 'twelve digits'))),
  /** Where state, functions and workflow live. The edge function always lives in us-east-1. */
  region,
  profile: z.enum(['conservative', 'guide', 'summary', 'engine']),
  origins: z.strictObject({ flat: origin, hierarchical: origin }),
  /** Public names of the distribution; both or neither. */
  domain: z.optional(
    z.strictObject({
      names: z.array(z.string()).check(z.minLength(1)),
      certificateArn: z
        .string()
        .check(z.regex(/^arn:aws:acm:us-east-1:\d{12}:certificate\//, 'a certificate in us-east-1')),
    }),
  ),
  source: sourceConfig,
  /** Path of the migration file, from the deploy file. */
  migration: z.optional(z.string().check(z.regex(/\.ts$/, 'a TypeScript file'))),
  contacts: z.strictObject({ oncall: email, escalation: z.optional(email) }),
  /** Features that rest while the migration mode is on. */
  nonCriticalFeatures: z.prefault(z.array(z.string()), []),
  workers: z.prefault(z.strictObject({ migrateConcurrency: z.int().check(z.gte(2), z.lte(1000)) }), {
    migrateConcurrency: 4,
  }),
});

export type DeployFile = z.infer<typeof deployFile>;
export type OriginConfig = z.infer<typeof origin>;

/** For whoever looked and found no file there. */
export function deployFileMissing(path: string): HalError {
  return new HalError({
    name: 'DeployFileMissing',
    message: `There is no deploy file at ${path}.`,
    remedy: 'Create it; docs/concepts/deploy-file.md describes every field.',
    exit: 'usage',
    facts: { path },
  });
}

/** Reads untrusted JSON text; names every fault at once. */
export function parseDeployFile(text: string, path: string): DeployFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw deployFileError(path, [`it is no JSON: ${(cause as Error).message}`], cause);
  }
  const parsed = z.safeParse(deployFile, json);
  if (parsed.success) return parsed.data;
  throw deployFileError(path, parsed.error.issues.map(describeSchemaIssue));
}

function deployFileError(path: string, faults: readonly string[], cause?: unknown): HalError {
  return new HalError({
    name: 'DeployFileInvalid',
    message: `The deploy file ${path} is not valid: ${faults.join('; ')}.`,
    remedy: `Correct ${path}; docs/concepts/deploy-file.md describes every field.`,
    exit: 'usage',
    facts: { path, faults },
    cause,
  });
}
