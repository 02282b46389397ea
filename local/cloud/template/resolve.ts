import { localAccount, localRegion } from '../../engines/arns.ts';
import type { StackTemplate, TemplateResource } from './templates.ts';

/** What `Ref` and `Fn::GetAtt` give for one resource. */
export interface ResourceIdentity {
  readonly ref: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
}

/** A resource with its properties resolved. */
export interface ResolvedResource {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface ResolverDeps {
  /** Gives a resource its identity; called once per resource, after what it refers to. */
  identify(resource: ResolvedResource): ResourceIdentity;
  /** Types that do nothing locally: their properties are never read, references to them get a stand-in. */
  ignores(type: string): boolean;
}

export interface TemplateResolver {
  /** Every resource of every stack in template order, resolved and identified; without the ignored ones. */
  resolveAll(): readonly ResolvedResource[];
}

type JsonObject = Readonly<Record<string, unknown>>;

const pseudoParameters: JsonObject = {
  'AWS::AccountId': localAccount,
  'AWS::Region': localRegion,
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

/** A fault in the templates: something refers to what is not there. Never an operator's mistake, so a plain error. */
function dangling(what: string): Error {
  return new Error(`cannot resolve ${what} in the synthesized templates`);
}

/**
 * Resolves intrinsic functions over all stacks at once: references are followed when they are met, so the order of
 * resources and stacks does not matter. A reference circle is an error, as in CloudFormation.
 */
export function makeTemplateResolver(stacks: readonly StackTemplate[], deps: ResolverDeps): TemplateResolver {
  const known = new Map<string, { resource: ResolvedResource; identity: ResourceIdentity }>();
  const underWay = new Set<string>();
  const byName = new Map(stacks.map((stack) => [stack.stackName, stack]));

  const resourceOf = (
    stack: StackTemplate,
    logicalId: string,
  ): { resource: ResolvedResource; identity: ResourceIdentity } => {
    const key = `${stack.stackName}/${logicalId}`;
    const done = known.get(key);
    if (done !== undefined) return done;
    const template = stack.resources[logicalId];
    if (template === undefined) throw dangling(key);
    if (underWay.has(key)) throw dangling(`the circular reference at ${key}`);
    underWay.add(key);
    const resource = resolveResource(stack, logicalId, template);
    const made = { resource, identity: deps.identify(resource) };
    underWay.delete(key);
    known.set(key, made);
    return made;
  };

  const resolveResource = (
    stack: StackTemplate,
    logicalId: string,
    template: TemplateResource,
  ): ResolvedResource => ({
    stackName: stack.stackName,
    logicalId,
    type: template.Type,
    properties: resolve(stack, template.Properties ?? {}) as JsonObject,
  });

  const resolve = (stack: StackTemplate, value: unknown): unknown => {
    if (typeof value === 'string') return resolveDynamic(value);
    if (Array.isArray(value)) return value.map((item) => resolve(stack, item)).filter(isPresent);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const only = entries.length === 1 ? entries[0] : undefined;
    const intrinsic = only === undefined ? undefined : intrinsics[only[0]];
    if (only !== undefined && intrinsic !== undefined) return intrinsic(stack, only[1]);
    return Object.fromEntries(
      entries
        .map(([key, item]) => [key, resolve(stack, item)] as const)
        .filter(([, item]) => isPresent(item)),
    );
  };

  const text = (stack: StackTemplate, value: unknown): string => {
    const resolved = resolve(stack, value);
    if (typeof resolved === 'string') return resolved;
    if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
    throw dangling(`${JSON.stringify(value)} to a text`);
  };

  const standIn = (stack: StackTemplate, logicalId: string): string | null => {
    const type = stack.resources[logicalId]?.Type;
    if (type === undefined || !deps.ignores(type)) return null;
    const service = type.split('::')[1]?.toLowerCase() ?? 'local';
    return `arn:aws:${service}:${localRegion}:${localAccount}:${logicalId}`;
  };

  const reference = (stack: StackTemplate, name: string): unknown => {
    if (name === 'AWS::NoValue') return undefined;
    if (name === 'AWS::StackName') return stack.stackName;
    if (name === 'AWS::StackId') {
      return `arn:aws:cloudformation:${localRegion}:${localAccount}:stack/${stack.stackName}/local`;
    }
    return pseudoParameters[name] ?? standIn(stack, name) ?? resourceOf(stack, name).identity.ref;
  };

  const attribute = (stack: StackTemplate, logicalId: string, name: string): unknown => {
    if (stack.resources[logicalId]?.Type === 'Custom::CrossRegionExportReader')
      return crossRegionExport(name);
    const found = standIn(stack, logicalId) ?? resourceOf(stack, logicalId).identity.attributes?.[name];
    if (found === undefined) throw dangling(`attribute ${name} of ${stack.stackName}/${logicalId}`);
    return found;
  };

  /** Stacks of different Regions hand values over by parameters that a custom resource of the exporter writes. */
  const crossRegionExport = (parameter: string): unknown => {
    for (const stack of stacks) {
      for (const resource of Object.values(stack.resources)) {
        if (resource.Type !== 'Custom::CrossRegionExportWriter') continue;
        const props = resource.Properties?.['WriterProps'] as { exports?: JsonObject } | undefined;
        const value = props?.exports?.[parameter];
        if (value !== undefined) return resolve(stack, value);
      }
    }
    throw dangling(`cross-Region export ${parameter}`);
  };

  const importedValue = (stack: StackTemplate, name: unknown): unknown => {
    const wanted = text(stack, name);
    for (const exporter of stacks) {
      for (const output of Object.values(exporter.outputs)) {
        if (output.Export === undefined || text(exporter, output.Export.Name) !== wanted) continue;
        return resolve(exporter, output.Value);
      }
    }
    throw dangling(`export ${wanted}`);
  };

  const stackOutput = (stack: StackTemplate, argument: unknown): unknown => {
    const { StackName, OutputName } = argument as { StackName: unknown; OutputName: unknown };
    const exporter = byName.get(text(stack, StackName).replace(/^arn:.*:stack\/([^/]+)\/.*$/, '$1'));
    const output = exporter?.outputs[text(stack, OutputName)];
    if (exporter === undefined || output === undefined) {
      throw dangling(`output ${JSON.stringify(argument)}`);
    }
    return resolve(exporter, output.Value);
  };

  const substitute = (stack: StackTemplate, argument: unknown): string => {
    const [pattern, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [
      string,
      JsonObject,
    ];
    return pattern.replaceAll(/\$\{([^!}][^}]*)\}/g, (_match, name: string) => {
      if (Object.hasOwn(variables, name)) return text(stack, variables[name]);
      const [logicalId, ...path] = name.split('.');
      if (path.length === 0) return String(reference(stack, name));
      return String(attribute(stack, logicalId ?? '', path.join('.')));
    });
  };

  const resolveDynamic = (value: string): unknown => {
    const match = /^\{\{resolve:ssm:(\/cdk\/exports\/[^}]+)\}\}$/.exec(value);
    return match?.[1] === undefined ? value : crossRegionExport(match[1]);
  };

  const intrinsics: Readonly<Record<string, (stack: StackTemplate, argument: unknown) => unknown>> = {
    Ref: (stack, argument) => reference(stack, argument as string),
    'Fn::GetAtt': (stack, argument) => {
      const path = Array.isArray(argument) ? (argument as string[]) : String(argument).split('.');
      return attribute(stack, path[0] ?? '', path.slice(1).join('.'));
    },
    'Fn::Join': (stack, argument) => {
      const [separator, parts] = argument as [string, unknown];
      return (resolve(stack, parts) as unknown[]).map(String).join(separator);
    },
    'Fn::Sub': substitute,
    'Fn::Select': (stack, argument) => {
      const [index, list] = argument as [unknown, unknown];
      return (resolve(stack, list) as unknown[])[Number(text(stack, index))];
    },
    'Fn::Split': (stack, argument) => {
      const [separator, value] = argument as [string, unknown];
      return text(stack, value).split(separator);
    },
    'Fn::GetAZs': () => [`${localRegion}a`],
    'Fn::ImportValue': importedValue,
    'Fn::GetStackOutput': stackOutput,
  };

  return {
    resolveAll: () =>
      stacks.flatMap((stack) =>
        Object.keys(stack.resources)
          .filter((logicalId) => !deps.ignores(stack.resources[logicalId]?.Type ?? ''))
          .map((logicalId) => resourceOf(stack, logicalId).resource),
      ),
  };
}

function isPresent(value: unknown): boolean {
  return value !== undefined;
}
