import { functionNameOf, nameInArn } from '../../engines/arns.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import { optionalNumber, optionalText, propertyAt, textAt } from '../template/properties.ts';
import type { ResolvedResource } from '../template/resolve.ts';
import { isKnownLogField } from './outcome-line.ts';

/** Where CloudFront connects to; `domainName` is mapped to a local port by the edge. */
export interface OriginPlan {
  readonly domainName: string;
  readonly protocol: 'http' | 'https';
  readonly port: number;
  readonly path: string;
  readonly readTimeoutS: number;
  /** What the distribution adds for its origin, for example a shared secret; names in lower case. */
  readonly customHeaders: Readonly<Record<string, string>>;
}

/** Names of headers in lower case; `all`, `none` or a list of names. */
export interface CachePolicyPlan {
  readonly minTtlS: number;
  readonly defaultTtlS: number;
  readonly maxTtlS: number;
  readonly headers: readonly string[];
  readonly cookies: 'all' | 'none' | readonly string[];
  readonly queries: 'all' | 'none' | readonly string[];
}

interface OutcomeLogPlan {
  readonly streamName: string;
  readonly fields: readonly string[];
  /** Per cent of the requests. */
  readonly samplingRate: number;
}

/** One distribution with one behaviour, as the local edge runs it. */
export interface DistributionPlan {
  readonly id: string;
  readonly domainName: string;
  readonly origin: OriginPlan;
  readonly allowedMethods: readonly string[];
  /** null: nothing is cached. */
  readonly cachePolicy: CachePolicyPlan | null;
  readonly forwardsHost: boolean;
  readonly viewerFunction: {
    readonly name: string;
    readonly code: string;
    readonly storeArn: string | null;
  } | null;
  /** Name of the Lambda function at origin request. */
  readonly originRequestFunction: string | null;
  readonly outcomeLog: OutcomeLogPlan | null;
}

const managedCachingDisabled = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';
const managedAllViewer = '216adef6-5c7f-47e4-b989-5492eafa07d3';
const managedAllViewerExceptHost = 'b689b0a8-53d0-40ab-baf2-68738e2966ac';

/** CloudFront Functions take no more code than this. */
const viewerFunctionLimitBytes = 10 * 1024;

function config(path: string): string {
  return `DistributionConfig.${path}`;
}

/** null when the templates have no distribution. */
export function distributionPlan(resources: readonly ResolvedResource[]): DistributionPlan | null {
  const distributions = resources.filter((resource) => resource.type === 'AWS::CloudFront::Distribution');
  const [distribution] = distributions;
  if (distribution === undefined) return null;
  if (distributions.length > 1) throw unsupported(distribution, 'a second distribution');
  const behaviors = propertyAt(distribution, config('CacheBehaviors'));
  if (Array.isArray(behaviors) && behaviors.length > 0) throw unsupported(distribution, 'CacheBehaviors');
  const originId = textAt(distribution, config('DefaultCacheBehavior.TargetOriginId'));
  return {
    id: distribution.logicalId,
    domainName: `${distribution.logicalId.toLowerCase()}.cloudfront.net`,
    origin: originPlan(distribution, originId),
    allowedMethods: (propertyAt(distribution, config('DefaultCacheBehavior.AllowedMethods')) as
      | string[]
      | undefined) ?? ['GET', 'HEAD'],
    cachePolicy: cachePolicyPlan(distribution, resources),
    forwardsHost: forwardsHost(distribution),
    viewerFunction: viewerFunctionPlan(distribution, resources),
    originRequestFunction: originRequestFunction(distribution),
    outcomeLog: outcomeLogPlan(distribution, resources),
  };
}

interface TemplateOrigin {
  readonly Id: string;
  readonly DomainName: string;
  readonly OriginPath?: string;
  readonly OriginCustomHeaders?: readonly { readonly HeaderName: string; readonly HeaderValue: string }[];
  readonly CustomOriginConfig?: {
    readonly OriginProtocolPolicy: string;
    readonly HTTPPort?: number;
    readonly HTTPSPort?: number;
    readonly OriginReadTimeout?: number;
  };
}

function originPlan(distribution: ResolvedResource, originId: string): OriginPlan {
  const origins = (propertyAt(distribution, 'DistributionConfig.Origins') ?? []) as TemplateOrigin[];
  const origin = origins.find((candidate) => candidate.Id === originId);
  const custom = origin?.CustomOriginConfig;
  if (origin === undefined || custom === undefined) throw unsupported(distribution, `the origin ${originId}`);
  const https = custom.OriginProtocolPolicy !== 'http-only';
  return {
    domainName: origin.DomainName,
    protocol: https ? 'https' : 'http',
    port: https ? (custom.HTTPSPort ?? 443) : (custom.HTTPPort ?? 80),
    path: origin.OriginPath ?? '',
    readTimeoutS: custom.OriginReadTimeout ?? 30,
    customHeaders: Object.fromEntries(
      (origin.OriginCustomHeaders ?? []).map((header) => [
        header.HeaderName.toLowerCase(),
        header.HeaderValue,
      ]),
    ),
  };
}

function cachePolicyPlan(
  distribution: ResolvedResource,
  resources: readonly ResolvedResource[],
): CachePolicyPlan | null {
  const id = textAt(distribution, 'DistributionConfig.DefaultCacheBehavior.CachePolicyId');
  if (id === managedCachingDisabled) return null;
  const policy = resources.find(
    (resource) => resource.type === 'AWS::CloudFront::CachePolicy' && resource.logicalId === id,
  );
  if (policy === undefined) throw unsupported(distribution, `the managed cache policy ${id}`);
  const key = 'CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin';
  const headers = propertyAt(policy, `${key}.HeadersConfig.Headers`) as string[] | undefined;
  return {
    minTtlS: optionalNumber(policy, 'CachePolicyConfig.MinTTL') ?? 0,
    defaultTtlS: optionalNumber(policy, 'CachePolicyConfig.DefaultTTL') ?? 86_400,
    maxTtlS: optionalNumber(policy, 'CachePolicyConfig.MaxTTL') ?? 31_536_000,
    headers: (headers ?? []).map((name) => name.toLowerCase()),
    cookies: selection(policy, `${key}.CookiesConfig`, 'CookieBehavior', 'Cookies'),
    queries: selection(policy, `${key}.QueryStringsConfig`, 'QueryStringBehavior', 'QueryStrings'),
  };
}

function selection(
  policy: ResolvedResource,
  path: string,
  behaviorName: string,
  listName: string,
): 'all' | 'none' | readonly string[] {
  const behavior = textAt(policy, `${path}.${behaviorName}`);
  if (behavior === 'all' || behavior === 'none') return behavior;
  if (behavior === 'whitelist') return (propertyAt(policy, `${path}.${listName}`) ?? []) as string[];
  throw unsupported(policy, `${path}.${behaviorName} ${behavior}`);
}

function forwardsHost(distribution: ResolvedResource): boolean {
  const id = optionalText(distribution, 'DistributionConfig.DefaultCacheBehavior.OriginRequestPolicyId');
  if (id === managedAllViewer) return true;
  if (id === managedAllViewerExceptHost) return false;
  throw unsupported(distribution, `the origin request policy ${String(id)}`);
}

interface FunctionAssociation {
  readonly EventType: string;
  readonly FunctionARN?: string;
  readonly LambdaFunctionARN?: string;
  readonly IncludeBody?: boolean;
}

function associations(distribution: ResolvedResource, property: string): readonly FunctionAssociation[] {
  const path = `DistributionConfig.DefaultCacheBehavior.${property}`;
  return (propertyAt(distribution, path) ?? []) as FunctionAssociation[];
}

function viewerFunctionPlan(
  distribution: ResolvedResource,
  resources: readonly ResolvedResource[],
): DistributionPlan['viewerFunction'] {
  const [association, ...more] = associations(distribution, 'FunctionAssociations');
  if (association === undefined) return null;
  if (more.length > 0 || association.EventType !== 'viewer-request') {
    throw unsupported(distribution, 'function associations other than one at viewer-request');
  }
  const name = nameInArn(association.FunctionARN ?? '');
  const resource = resources.find(
    (candidate) =>
      candidate.type === 'AWS::CloudFront::Function' &&
      (optionalText(candidate, 'Name') ?? candidate.logicalId) === name,
  );
  if (resource === undefined) throw unsupported(distribution, `the missing function ${name}`);
  const code = textAt(resource, 'FunctionCode');
  if (Buffer.byteLength(code) > viewerFunctionLimitBytes) throw functionTooLarge(name, code);
  const stores = propertyAt(resource, 'FunctionConfig.KeyValueStoreAssociations') as
    | { KeyValueStoreARN: string }[]
    | undefined;
  return { name, code, storeArn: stores?.[0]?.KeyValueStoreARN ?? null };
}

function originRequestFunction(distribution: ResolvedResource): string | null {
  const [association, ...more] = associations(distribution, 'LambdaFunctionAssociations');
  if (association === undefined) return null;
  if (more.length > 0 || association.EventType !== 'origin-request' || association.IncludeBody === true) {
    throw unsupported(distribution, 'Lambda@Edge other than one function at origin-request without the body');
  }
  return functionNameOf(association.LambdaFunctionARN ?? '');
}

function outcomeLogPlan(
  distribution: ResolvedResource,
  resources: readonly ResolvedResource[],
): OutcomeLogPlan | null {
  const arn = optionalText(distribution, 'DistributionConfig.DefaultCacheBehavior.RealtimeLogConfigArn');
  if (arn === undefined) return null;
  const config = resources.find(
    (resource) =>
      resource.type === 'AWS::CloudFront::RealtimeLogConfig' &&
      arn.endsWith(`/${optionalText(resource, 'Name') ?? resource.logicalId}`),
  );
  if (config === undefined) throw unsupported(distribution, `the missing real-time log ${arn}`);
  const fields = (propertyAt(config, 'Fields') ?? []) as string[];
  const unknown = fields.filter((field) => !isKnownLogField(field));
  if (unknown.length > 0) throw unsupported(config, `the log fields ${unknown.join(', ')}`);
  const endPoints = (propertyAt(config, 'EndPoints') ?? []) as {
    KinesisStreamConfig: { StreamArn: string };
  }[];
  return {
    streamName: nameInArn(endPoints[0]?.KinesisStreamConfig.StreamArn ?? ''),
    fields,
    samplingRate: optionalNumber(config, 'SamplingRate') ?? 100,
  };
}

function unsupported(resource: ResolvedResource, what: string): HalError {
  return new HalError({
    name: 'TemplateUnsupported',
    message: `The local edge does not build ${what} of ${resource.stackName}/${resource.logicalId}.`,
    remedy: 'Build it in local/cloud/edge/, or say the same in the CDK app in another way.',
    exit: 'unavailable',
    facts: { stack: resource.stackName, logicalId: resource.logicalId, what },
  });
}

function functionTooLarge(name: string, code: string): HalError {
  const bytes = Buffer.byteLength(code);
  return new HalError({
    name: 'ViewerFunctionTooLarge',
    message: `The CloudFront Function ${name} has ${bytes} bytes of code; CloudFront takes ${viewerFunctionLimitBytes}.`,
    remedy: 'Make functions/assign-cohort and what it imports smaller.',
    exit: 'unavailable',
    facts: { name, bytes, limitBytes: viewerFunctionLimitBytes },
  });
}
