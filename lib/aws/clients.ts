import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';

/**
 * What every SDK client of the product is made with. Endpoints and credentials come from the environment that the
 * SDK reads by itself, so the same code meets AWS and the local cloud.
 *
 * A Lambda sandbox may thaw minutes after it froze, with sockets that the peer has long closed: the standard retry
 * mode repeats ECONNRESET, EPIPE and timeouts, and eight attempts outlast a whole pool of stale sockets.
 *
 * The SDK prepares what it would log, every item of every answer included, whenever its logger has an `info`: without
 * one that work, a tenth of a request, is not done. Failures are thrown, so nothing is lost with the others.
 */
export function clientDefaults(settings: ClientSettings = {}) {
  return {
    ...(settings.region === undefined ? {} : { region: settings.region }),
    retryMode: 'standard',
    maxAttempts: 8,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 15_000 },
    logger: quietLogger,
  } as const;
}

const silent = (): void => undefined;
const quietLogger = { trace: silent, debug: silent, warn: silent, error: silent } as unknown as NonNullable<
  DynamoDBClientConfig['logger']
>;

export interface ClientSettings {
  /** AWS Region; what the SDK finds in the environment when absent. */
  readonly region?: string;
}

export function makeDynamoClient(settings?: ClientSettings): DynamoDBClient {
  return new DynamoDBClient(clientDefaults(settings));
}

export function makeSqsClient(settings?: ClientSettings): SQSClient {
  return new SQSClient(clientDefaults(settings));
}

/** For an engine that stands in for AWS: it knows neither accounts nor Regions, and yet nobody asks it without. */
export function engineAt(endpoint: string) {
  return { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
}

/**
 * Path style for engines that know no host names of buckets. What is read is checked by its reader, who makes use of
 * the good parts of a damaged object, which a client that refuses the whole would withhold.
 */
export function makeS3Client(
  settings: ClientSettings & { readonly pathStyle?: boolean; readonly engine?: string | undefined } = {},
): S3Client {
  const { engine, pathStyle = engine !== undefined, ...rest } = settings;
  return new S3Client({
    ...clientDefaults(rest),
    ...(engine === undefined ? {} : engineAt(engine)),
    forcePathStyle: pathStyle,
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}
