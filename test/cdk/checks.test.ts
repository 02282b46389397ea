import { App, Stack } from 'aws-cdk-lib';
import {
  CacheHeaderBehavior,
  CachePolicy,
  Distribution,
  Function as EdgeScript,
  FunctionCode,
  FunctionEventType,
} from 'aws-cdk-lib/aws-cloudfront';
import type { ICachePolicy } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

import { acknowledge } from '../../cdk/checks/acknowledge.ts';
import { requireCohortInCacheKey } from '../../cdk/checks/cohort-in-cache-key.ts';
import { addRulePacks } from '../../cdk/checks/rule-packs.ts';

const outdir = mkdtempSync(join(tmpdir(), 'hal9-checks-test-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

describe('the cohort in the cache key', () => {
  test('is demanded of a behaviour that routes', () => {
    const app = door((stack) => withHeaders(stack, 'accept-language'));

    expect(() => app.synth()).toThrow(/behaviour \* routes by cohort.*no x-hal9-cohort/);
  });

  test('is demanded of further behaviours too, and of managed policies', () => {
    const app = door(
      (stack) => withHeaders(stack, 'X-HAL9-Cohort'),
      () => CachePolicy.CACHING_OPTIMIZED,
    );

    expect(() => app.synth()).toThrow(/behaviour \/assets\/\* routes by cohort/);
  });

  test('is not asked for where nothing routes', () => {
    const app = door(
      (stack) => withHeaders(stack, 'X-HAL9-Cohort'),
      () => CachePolicy.CACHING_OPTIMIZED,
      false,
    );

    expect(() => app.synth()).not.toThrow();
  });
});

describe('the rule packs', () => {
  test('fail the synth for a finding that nobody acknowledged, and name it', () => {
    const app = new App({ outdir, analyticsReporting: false });
    const bucket = new Bucket(new Stack(app, 'Open'), 'Bucket');
    addRulePacks(app);

    expect(() => app.synth()).toThrow(new RegExp(`${bucket.node.path}/Resource[^]*AwsSolutions-S10`));
  });
});

describe('an acknowledgement', () => {
  const stack = new Stack(new App({ outdir }), 'Any');

  test.each(['', '   ', 'because', '                       '])(
    'is refused with the reason "%s"',
    (reason) => {
      expect(() => acknowledge(stack, 'AwsSolutions-S1', reason)).toThrow(
        /Any acknowledges AwsSolutions-S1 without a reason/,
      );
    },
  );

  test('is taken with a reason that says why', () => {
    expect(() =>
      acknowledge(stack, 'AwsSolutions-S1', 'This bucket holds access logs itself.'),
    ).not.toThrow();
  });
});

/** A distribution with the viewer function on its default behaviour, and on a second one unless `routesAssets` is false. */
function door(policy: (stack: Stack) => ICachePolicy, assets?: () => ICachePolicy, routesAssets = true): App {
  const app = new App({ outdir, analyticsReporting: false });
  const stack = new Stack(app, 'Door');
  const script = new EdgeScript(stack, 'Script', { code: FunctionCode.fromInline('function handler(){}') });
  const functionAssociations = [{ eventType: FunctionEventType.VIEWER_REQUEST, function: script }];
  const origin = new HttpOrigin('flat.example.com');
  const distribution = new Distribution(stack, 'Distribution', {
    defaultBehavior: { origin, functionAssociations, cachePolicy: policy(stack) },
  });
  if (assets !== undefined) {
    distribution.addBehavior('/assets/*', origin, {
      cachePolicy: assets(),
      ...(routesAssets ? { functionAssociations } : {}),
    });
  }
  requireCohortInCacheKey(app);
  return app;
}

function withHeaders(stack: Stack, ...headers: string[]): ICachePolicy {
  return new CachePolicy(stack, 'Policy', { headerBehavior: CacheHeaderBehavior.allowList(...headers) });
}
