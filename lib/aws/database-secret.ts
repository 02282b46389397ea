import { createHash, createHmac } from 'node:crypto';
import * as z from 'zod/mini';

import { HalError } from '../kernel/errors.ts';
import { makeDynamoClient } from './clients.ts';

const secretSchema = z.object({ username: z.string(), password: z.string() });

export type DatabaseSecret = z.infer<typeof secretSchema>;

/** How long a secret is used before it is read again, in milliseconds; a rotation keeps the old one valid for longer. */
const freshForMs = 60_000;

const known = new Map<string, { readonly secret: DatabaseSecret; readonly readAtMs: number }>();

/** User and password of a database from Secrets Manager. Throws HalError `SecretUnreadable`. */
export async function readDatabaseSecret(secretArn: string): Promise<DatabaseSecret> {
  const fresh = known.get(secretArn);
  if (fresh !== undefined && performance.now() - fresh.readAtMs < freshForMs) return fresh.secret;
  const secret = await askForSecret(secretArn);
  known.set(secretArn, { secret, readAtMs: performance.now() });
  return secret;
}

async function askForSecret(secretArn: string): Promise<DatabaseSecret> {
  const region = secretArn.split(':')[3] ?? '';
  // The SDK's own way to find credentials, without a client of this one service.
  const credentials = await makeDynamoClient({ region }).config.credentials();
  const endpoint = new URL(`https://secretsmanager.${region}.amazonaws.com`);
  const body = JSON.stringify({ SecretId: secretArn });
  const answer = await fetch(endpoint, {
    method: 'POST',
    body,
    headers: signedHeaders({ host: endpoint.host, region, body, credentials, at: new Date() }),
    signal: AbortSignal.timeout(5_000),
  }).catch((cause: unknown) => {
    throw unreadable(secretArn, 'Secrets Manager does not answer', cause);
  });
  const text = await answer.text();
  if (!answer.ok) throw unreadable(secretArn, `Secrets Manager answered ${answer.status}`, text);
  const { SecretString = '' } = JSON.parse(text) as { readonly SecretString?: string };
  return parsedSecret(secretArn, SecretString);
}

function parsedSecret(secretArn: string, value: string): DatabaseSecret {
  try {
    return secretSchema.parse(JSON.parse(value));
  } catch {
    // Not even a part of the value may get into a message.
    throw unreadable(secretArn, 'its value is no JSON with "username" and "password"', null);
  }
}

interface SecretRequest {
  readonly host: string;
  readonly region: string;
  readonly body: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly at: Date;
}

/** Headers of one `GetSecretValue`, signed with Signature Version 4. */
export function signedHeaders({
  host,
  region,
  body,
  credentials,
  at,
}: SecretRequest): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const time = at.toISOString().replaceAll(/[:-]|\.\d{3}/g, '');
  const day = time.slice(0, 8);
  const scope = `${day}/${region}/secretsmanager/aws4_request`;
  const headers: Record<string, string> = {
    'content-type': 'application/x-amz-json-1.1',
    host,
    'x-amz-content-sha256': sha256(body),
    'x-amz-date': time,
    ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    'x-amz-target': 'secretsmanager.GetSecretValue',
  };
  const names = Object.keys(headers).toSorted();
  const canonical = [
    'POST',
    '/',
    '',
    ...names.map((name) => `${name}:${headers[name] ?? ''}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [day, region, 'secretsmanager', 'aws4_request'].reduce<Buffer>(
    (signed, part) => createHmac('sha256', signed).update(part).digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function unreadable(secretArn: string, reason: string, cause: unknown): HalError {
  return new HalError({
    name: 'SecretUnreadable',
    message: `The secret ${secretArn} of the flat store cannot be read: ${reason}.`,
    remedy:
      'Check the ARN, that the functions reach Secrets Manager from their network, and its resource policy.',
    exit: 'unauthorized',
    facts: { secretArn, reason },
    cause,
  });
}
