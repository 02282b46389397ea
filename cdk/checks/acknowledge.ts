import { Stack, Validations } from 'aws-cdk-lib';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js';
import type { IConstruct } from 'constructs';

/** Characters below which no reason says why. */
const shortestReason = 20;

/** Accepts one finding of a rule pack on one construct, for a reason that a reviewer can check; refuses an empty one. */
export function acknowledge(scope: IConstruct, id: string, reason: string): void {
  if (reason.trim().length < shortestReason)
    throw new Error(`${scope.node.path} acknowledges ${id} without a reason: "${reason}"`);
  Validations.of(scope).acknowledge({ id, reason });
}

/** Accepts one resource with a wildcard in a policy below `scope`; any other wildcard there still fails the synth. */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  const shown = flattenCfnReference(Stack.of(scope).resolve(resource));
  acknowledge(scope, `AwsSolutions-IAM5[Resource::${shown}]`, reason);
}
