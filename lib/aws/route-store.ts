import {
  ConflictException,
  DescribeKeyValueStoreCommand,
  GetKeyCommand,
  ResourceNotFoundException,
  UpdateKeysCommand,
  ValidationException,
  type CloudFrontKeyValueStoreClient,
} from '@aws-sdk/client-cloudfront-keyvaluestore';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import type { PublishOutcome, RouteStore } from '../router/ports.ts';
import { judgePublish } from '../router/publish-order.ts';
import { formatRoutes, parseRoutes, routesKey, type Routes } from '../router/routes.ts';

export interface RouteStoreDeps {
  readonly client: CloudFrontKeyValueStoreClient;
  readonly storeArn: string;
  readonly sleeper: Sleeper;
}

const mostAttempts = 8;
const retryDelayMs = 100;

/** Routes in a CloudFront KeyValueStore: every write names the ETag of the state that it was decided on. */
export function makeRouteStore({ client, storeArn, sleeper }: RouteStoreDeps): RouteStore {
  const store = { KvsARN: storeArn };

  async function read(): Promise<Routes | null> {
    try {
      const answer = await client.send(new GetKeyCommand({ ...store, Key: routesKey }));
      return parseRoutes(answer.Value);
    } catch (fault) {
      if (fault instanceof ResourceNotFoundException) return null;
      throw fault;
    }
  }

  async function write(routes: Routes, etag: string | undefined): Promise<boolean> {
    try {
      const Puts = [{ Key: routesKey, Value: formatRoutes(routes) }];
      await client.send(new UpdateKeysCommand({ ...store, IfMatch: etag, Puts }));
      return true;
    } catch (fault) {
      // A stale ETag is a conflict; the service also words it as a failed validation.
      if (fault instanceof ConflictException || fault instanceof ValidationException) return false;
      throw fault;
    }
  }

  /** The ETag is read first, so whatever is written after it makes this attempt fail. */
  async function update<Nothing>(
    decide: (current: Routes | null) => Promise<PublishOutcome | Nothing>,
  ): Promise<PublishOutcome | Nothing> {
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const { ETag } = await client.send(new DescribeKeyValueStoreCommand(store));
      const outcome = await decide(await read());
      if (!isPublish(outcome) || (await write(outcome.routes, ETag))) return outcome;
      await sleeper.sleep(retryDelayMs * (attempt + 1));
    }
    throw routesContended(storeArn);
  }

  return {
    read,
    publish: (routes) => update<never>(async (current) => judgePublish(current, routes, 'epoch-and-version')),
    follow: (readDeployed) =>
      update(async (current) => {
        const deployed = await readDeployed();
        return deployed === null
          ? ({ kind: 'nothing-deployed' } as const)
          : judgePublish(current, deployed, 'epoch-only');
      }),
  };
}

function isPublish(outcome: unknown): outcome is Extract<PublishOutcome, { kind: 'published' }> {
  return (outcome as { kind?: unknown }).kind === 'published';
}

function routesContended(storeArn: string): HalError {
  return new HalError({
    name: 'RoutesContended',
    message: `The routes in ${storeArn} changed under each of ${mostAttempts} attempts to write them.`,
    remedy: 'Look for a second writer of this store; the next reconciliation tries again by itself.',
    exit: 'conflict',
    facts: { storeArn, attempts: mostAttempts },
  });
}
