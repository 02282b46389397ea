import type { AlarmEngine, WireObject, WorkflowEngine } from '../../engines/ports.ts';
import { nameOf } from './identities.ts';
import { optionalText, propertyAt } from './properties.ts';
import type { ResolvedResource } from './resolve.ts';

export function ensureAlarms(alarms: AlarmEngine, resources: readonly ResolvedResource[]): void {
  for (const resource of resources) {
    if (resource.type !== 'AWS::CloudWatch::Alarm') continue;
    alarms.ensureAlarm({ ...resource.properties, AlarmName: nameOf(resource, 'AlarmName') });
  }
}

export function ensureWorkflows(workflows: WorkflowEngine, resources: readonly ResolvedResource[]): void {
  for (const resource of resources) {
    if (resource.type !== 'AWS::StepFunctions::StateMachine') continue;
    workflows.ensureStateMachine(nameOf(resource, 'StateMachineName'), definitionOf(resource));
  }
}

function definitionOf(resource: ResolvedResource): WireObject {
  const inline = propertyAt(resource, 'Definition');
  if (inline !== undefined) return inline as WireObject;
  const text = optionalText(resource, 'DefinitionString') ?? '{}';
  const substitutions = (propertyAt(resource, 'DefinitionSubstitutions') ?? {}) as Record<string, unknown>;
  const filled = text.replaceAll(/\$\{(\w+)\}/g, (match, name: string) =>
    Object.hasOwn(substitutions, name) ? String(substitutions[name]) : match,
  );
  return JSON.parse(filled) as WireObject;
}
