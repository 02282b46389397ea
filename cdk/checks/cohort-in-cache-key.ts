import { Aspects, Stack } from 'aws-cdk-lib';
import type { App } from 'aws-cdk-lib';
import { CfnCachePolicy, CfnDistribution } from 'aws-cdk-lib/aws-cloudfront';
import type { IConstruct } from 'constructs';

import { cohortHeader } from '../../lib/router/subject.ts';

/**
 * Fails the synth when a behaviour runs routing functions and its cache key lacks the cohort: then an answer of one
 * system would be served to the other cohort, and a rollback would not reach what is cached.
 */
export function requireCohortInCacheKey(app: App): void {
  Aspects.of(app).add({
    visit(node: IConstruct): void {
      if (node instanceof CfnDistribution) {
        node.node.addValidation({ validate: () => sharedCaches(node) });
      }
    },
  });
}

interface Behaviour {
  readonly pathPattern?: string;
  readonly cachePolicyId?: string | { readonly Ref?: string };
  readonly functionAssociations?: readonly unknown[];
  readonly lambdaFunctionAssociations?: readonly unknown[];
}

interface DistributionConfig {
  readonly defaultCacheBehavior: Behaviour;
  readonly cacheBehaviors?: readonly Behaviour[];
}

interface CachePolicyConfig {
  readonly parametersInCacheKeyAndForwardedToOrigin: {
    readonly headersConfig: { readonly headers?: readonly string[] };
  };
}

function sharedCaches(distribution: CfnDistribution): string[] {
  const stack = Stack.of(distribution);
  const config = stack.resolve(distribution.distributionConfig) as DistributionConfig;
  return [config.defaultCacheBehavior, ...(config.cacheBehaviors ?? [])]
    .filter((behaviour) => routes(behaviour) && !cohortIsInKey(stack, behaviour))
    .map(
      (behaviour) =>
        `behaviour ${behaviour.pathPattern ?? '*'} routes by cohort, but its cache key has no ${cohortHeader}`,
    );
}

function routes(behaviour: Behaviour): boolean {
  const { functionAssociations = [], lambdaFunctionAssociations = [] } = behaviour;
  return functionAssociations.length + lambdaFunctionAssociations.length > 0;
}

/** Only a policy of the same stack can be looked into; the managed ones know no header of ours. */
function cohortIsInKey(stack: Stack, { cachePolicyId }: Behaviour): boolean {
  if (typeof cachePolicyId !== 'object') return false;
  const policies = stack.node.findAll().filter((node) => node instanceof CfnCachePolicy);
  const policy = policies.find(({ logicalId }) => stack.resolve(logicalId) === cachePolicyId.Ref);
  if (policy === undefined) return false;
  const config = stack.resolve(policy.cachePolicyConfig) as CachePolicyConfig;
  const { headers = [] } = config.parametersInCacheKeyAndForwardedToOrigin.headersConfig;
  return headers.some((header) => header.toLowerCase() === cohortHeader);
}
