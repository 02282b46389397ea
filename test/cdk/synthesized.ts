import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { buildApp } from '../../cdk/stages.ts';

/** What the tests read of a resource; every value may be text or an intrinsic. */
export interface Resource {
  readonly stack: string;
  readonly logicalId: string;
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

export interface Synthesized {
  readonly resources: readonly Resource[];
  ofType(type: string): readonly Resource[];
  /** The one resource that an intrinsic of `stack` (Ref, Fn::GetAtt, Fn::GetStackOutput) points at. */
  referenced(stack: string, value: unknown): Resource | undefined;
  /** Findings accepted on any construct of the stack: their id and why. */
  acknowledged(stack: string): readonly { readonly id: string; readonly reason: string }[];
  /** Where each stack is deployed to, as aws://account/region. */
  readonly environments: Readonly<Record<string, string>>;
}

interface Template {
  readonly Resources: Readonly<Record<string, Omit<Resource, 'stack' | 'logicalId'>>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

/** Synthesizes the whole app without bundles; `deploy` replaces the project's deploy file. Throws what the synth throws. */
export function synthesize(deploy?: object): Synthesized {
  const directory = mkdtempSync(join(tmpdir(), 'hal9-synth-test-'));
  try {
    const outdir = join(directory, 'out');
    const deployFilePath = join(directory, 'deploy.json');
    if (deploy !== undefined) writeFileSync(deployFilePath, JSON.stringify(deploy));
    buildApp({ outdir, bundle: false, ...(deploy === undefined ? {} : { deployFilePath }) }).synth();
    return read(outdir);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function read(outdir: string): Synthesized {
  const templates = new Map<string, Template>();
  for (const file of readdirSync(outdir)) {
    const stack = /^(.*)\.template\.json$/.exec(file)?.[1];
    if (stack !== undefined) templates.set(stack, readJson(join(outdir, file)) as Template);
  }
  const resources = [...templates].flatMap(([stack, { Resources }]) =>
    Object.entries(Resources).map(([logicalId, resource]) => ({
      stack,
      logicalId,
      ...resource,
      Properties: resource.Properties ?? {},
    })),
  );
  const referenced = (stack: string, value: unknown): Resource | undefined => {
    const output = (value as StackOutput)['Fn::GetStackOutput'];
    if (output !== undefined) {
      const published = templates.get(output.StackName)?.Outputs?.[output.OutputName];
      return published === undefined ? undefined : referenced(output.StackName, published.Value);
    }
    const logicalId = (value as { Ref?: string }).Ref ?? (value as GetAtt)['Fn::GetAtt']?.[0];
    return resources.find((resource) => resource.stack === stack && resource.logicalId === logicalId);
  };
  const accepted = new Map(
    [...templates.keys()].map((stack) => [stack, acknowledgements(join(outdir, `${stack}.metadata.json`))]),
  );
  return {
    resources,
    ofType: (type) => resources.filter((resource) => resource.Type === type),
    referenced,
    acknowledged: (stack) => accepted.get(stack) ?? [],
    environments: environments(outdir),
  };
}

interface StackOutput {
  readonly 'Fn::GetStackOutput'?: { readonly StackName: string; readonly OutputName: string };
}

interface GetAtt {
  readonly 'Fn::GetAtt'?: readonly [string, string];
}

interface MetadataEntry {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

function acknowledgements(path: string): { id: string; reason: string }[] {
  return Object.values(readJson(path) as Record<string, MetadataEntry[]>)
    .flat()
    .filter(({ type }) => type === 'aws:cdk:acknowledged-rules')
    .flatMap(({ data }) => Object.entries(data).map(([id, reason]) => ({ id, reason })));
}

interface Manifest {
  readonly artifacts: Readonly<Record<string, { readonly type: string; readonly environment?: string }>>;
}

function environments(outdir: string): Record<string, string> {
  const { artifacts } = readJson(join(outdir, 'manifest.json')) as Manifest;
  return Object.fromEntries(
    Object.entries(artifacts)
      .filter(([, { type }]) => type === 'aws:cloudformation:stack')
      .map(([name, { environment }]) => [name, environment ?? '']),
  );
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Text with the intrinsics inside made visible: `${Ref}`-like for references, joined for Fn::Join. */
export function rendered(value: unknown): string {
  if (typeof value === 'string') return value;
  const join = (value as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'];
  if (join !== undefined) return join[1].map(rendered).join(join[0]);
  const ref = (value as { Ref?: string }).Ref;
  if (ref !== undefined) return `<${ref}>`;
  const attribute = (value as GetAtt)['Fn::GetAtt'];
  if (attribute !== undefined) return `<${attribute.join('.')}>`;
  return `<${JSON.stringify(value)}>`;
}

/** One or many, as CloudFormation writes them. */
export function listed(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as unknown[]) : [value];
}
