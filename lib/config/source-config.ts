import * as z from 'zod/mini';

const text = z.string().check(z.minLength(1));
const identifier = (prefix: string) =>
  z
    .string()
    .check(
      z.regex(
        new RegExp(`^${prefix}-[0-9a-f]{8}([0-9a-f]{9})?$`),
        `an identifier such as ${prefix}-0a1b2c3d`,
      ),
    );

/** A file on the machine of whoever reads it. */
const sqlite = z.strictObject({ kind: z.literal('sqlite'), path: text });

/** A schema of a PostgreSQL database: by its URL, or on AWS by address, secret and network. */
const postgres = z
  .strictObject({
    kind: z.literal('postgres'),
    url: z.optional(
      z.string().check(z.regex(/^postgres(ql)?:\/\/./, 'a URL such as postgres://host/database')),
    ),
    host: z.optional(text),
    port: z.optional(z.int().check(z.gte(1), z.lte(65_535))),
    database: z.optional(text),
    /** Its value is JSON with `username` and `password`, as Secrets Manager makes it for a database. */
    secretArn: z.optional(
      z.string().check(z.regex(/^arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:/, 'the ARN of a secret')),
    ),
    /** `public` when left out. */
    schema: z.optional(text),
    network: z.optional(
      z.strictObject({
        vpcId: identifier('vpc'),
        subnetIds: z.array(identifier('subnet')).check(z.minLength(1)),
        securityGroupIds: z.array(identifier('sg')).check(z.minLength(1)),
      }),
    ),
  })
  .check(
    z.refine((source) => {
      const byAddress = [source.host, source.database, source.secretArn, source.network];
      const isAddressed = byAddress.every((part) => part !== undefined);
      const isPlain = byAddress.every((part) => part === undefined) && source.port === undefined;
      return source.url === undefined ? isAddressed : isPlain;
    }, 'a PostgreSQL source with "url", or with "host", "database", "secretArn" and "network"'),
  );

/** JSON Lines files: a file or folder of whoever reads it, or objects below a prefix. */
const jsonl = z.strictObject({
  kind: z.literal('jsonl'),
  path: text.check(
    z.refine(
      (path) => !/^[a-z0-9+]+:\/\//i.test(path) || objectsPattern.test(path),
      'a path, or s3://bucket/prefix',
    ),
  ),
});

/** DynamoDB tables, each named by the prefix and its name in the definition, with their streams on. */
const dynamodb = z.strictObject({
  kind: z.literal('dynamodb'),
  prefix: z
    .string()
    .check(z.regex(/^[\w.-]{0,100}$/, 'letters, digits, dots, dashes and underscores, at most 100')),
  /** An engine that stands in for DynamoDB. */
  endpoint: z.optional(z.url({ protocol: /^https?$/ })),
});

const objectsPattern = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/;

/** Bucket and prefix of a source of objects; null for files. */
export function objectsOf({ path }: Pick<JsonlConfig, 'path'>): { bucket: string; prefix: string } | null {
  const [, bucket, prefix = ''] = objectsPattern.exec(path) ?? [];
  return bucket === undefined ? null : { bucket, prefix };
}

/** Where a migration remembers which files it reads, with an index of them: a folder, or a table and a bucket. */
const keeping = z.union([z.strictObject({ folder: text }), z.strictObject({ table: text, bucket: text })]);

const kinds = { error: 'sqlite, postgres, dynamodb or jsonl' };

/** Where the flat store is. */
export const sourceConfig = z.discriminatedUnion('kind', [sqlite, postgres, dynamodb, jsonl], kinds);

/** What a process is told that opens it. */
export const openedSource = z.discriminatedUnion(
  'kind',
  [
    sqlite,
    postgres,
    dynamodb,
    z.extend(jsonl, {
      keeping: z.optional(keeping),
      /** An engine that stands in for S3. */
      endpoint: z.optional(z.url({ protocol: /^https?$/ })),
    }),
  ],
  kinds,
);

export type SourceConfig = z.infer<typeof openedSource>;
export type JsonlConfig = Extract<SourceConfig, { kind: 'jsonl' }>;
export type SqliteConfig = Extract<SourceConfig, { kind: 'sqlite' }>;
export type DynamoConfig = Extract<SourceConfig, { kind: 'dynamodb' }>;
export type PostgresConfig = Extract<SourceConfig, { kind: 'postgres' }>;

/** For messages, without credentials. */
export function describeSource(source: SourceConfig): string {
  if (source.kind === 'dynamodb') return `dynamodb://${source.prefix}`;
  if (source.kind !== 'postgres') return source.path;
  const schema = source.schema ?? 'public';
  if (source.url === undefined) return `postgres://${source.host ?? ''}/${source.database ?? ''} (${schema})`;
  const url = URL.parse(source.url);
  return `postgres://${url?.host ?? ''}${url?.pathname ?? ''} (${schema})`;
}
