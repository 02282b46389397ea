import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { HalError } from '../../../lib/kernel/errors.ts';

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/** One synthesized stack, intrinsic functions unresolved. */
export interface StackTemplate {
  readonly stackName: string;
  readonly resources: Readonly<Record<string, TemplateResource>>;
  readonly outputs: Readonly<
    Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: unknown } }>
  >;
}

interface Manifest {
  readonly artifacts?: Readonly<
    Record<
      string,
      {
        readonly type: string;
        readonly properties?: { readonly templateFile?: string; readonly stackName?: string };
      }
    >
  >;
}

interface TemplateFile {
  readonly Resources?: StackTemplate['resources'];
  readonly Outputs?: StackTemplate['outputs'];
}

/** Reads every stack of a synthesized app; a directory without templates is a `TemplatesMissing` fault. */
export function loadTemplates(directory: string): readonly StackTemplate[] {
  const files = templateFiles(directory);
  if (files.length === 0) {
    throw new HalError({
      name: 'TemplatesMissing',
      message: `There are no synthesized templates in ${directory}.`,
      remedy: 'Run `npm run synth` in the project root.',
      exit: 'unavailable',
      facts: { directory },
    });
  }
  return files.map(({ stackName, path }) => {
    const template = JSON.parse(readFileSync(path, 'utf8')) as TemplateFile;
    return { stackName, resources: template.Resources ?? {}, outputs: template.Outputs ?? {} };
  });
}

function templateFiles(directory: string): readonly { stackName: string; path: string }[] {
  const manifestPath = join(directory, 'manifest.json');
  if (existsSync(manifestPath)) {
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
    return Object.entries(manifest.artifacts ?? {})
      .filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack')
      .map(([id, artifact]) => ({
        stackName: artifact.properties?.stackName ?? id,
        path: join(directory, artifact.properties?.templateFile ?? `${id}.template.json`),
      }));
  }
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.endsWith('.template.json'))
    .toSorted()
    .map((name) => ({ stackName: basename(name, '.template.json'), path: join(directory, name) }));
}
