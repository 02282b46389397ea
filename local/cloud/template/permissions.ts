import { textAt } from './properties.ts';
import type { ResolvedResource } from './resolve.ts';
import type { StackTemplate, TemplateResource } from './templates.ts';

interface Statement {
  readonly Effect?: string;
  readonly Action?: string | readonly string[];
}

/**
 * Actions that a function's role allows, whatever the resource: `dynamodb:PutItem`. Policies are read unresolved, since
 * only the names of their actions matter here.
 */
export function allowedActions(
  resource: ResolvedResource,
  stacks: readonly StackTemplate[],
): readonly string[] {
  const stack = stacks.find(({ stackName }) => stackName === resource.stackName);
  const roleId = textAt(resource, 'Role').split(':').at(-1) ?? '';
  const statements = Object.values(stack?.resources ?? {}).flatMap((other) => statementsFor(roleId, other));
  const actions = [...statements, ...inlineStatements(stack?.resources[roleId])]
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action = [] }) => Action);
  return [...new Set(actions)].toSorted();
}

function statementsFor(roleId: string, { Type, Properties = {} }: TemplateResource): readonly Statement[] {
  if (Type !== 'AWS::IAM::Policy') return [];
  const roles = (Properties['Roles'] ?? []) as readonly { readonly Ref?: string }[];
  return roles.some(({ Ref }) => Ref === roleId) ? statementsOf(Properties['PolicyDocument']) : [];
}

function inlineStatements(role: TemplateResource | undefined): readonly Statement[] {
  const policies = (role?.Properties?.['Policies'] ?? []) as readonly { readonly PolicyDocument: unknown }[];
  return policies.flatMap(({ PolicyDocument }) => statementsOf(PolicyDocument));
}

function statementsOf(document: unknown): readonly Statement[] {
  return (document as { readonly Statement?: readonly Statement[] } | undefined)?.Statement ?? [];
}
