import { build } from 'esbuild';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { bundleAssignCohort } from '../../cdk/bundle-edge.ts';

/** Bytes, minified, without the SDK that the runtime carries. A function that is not listed has the default. */
const limits: Readonly<Record<string, number>> = {
  'assign-cohort': 10 * 1024,
  'route-request': 40 * 1024,
};
const defaultLimit = 150 * 1024;
/** Functions that open the flat store hold the adapters of every kind, and evaluate the one that they need. */
const sourceLimit = 424 * 1024;

const folders = readdirSync('functions').filter((folder) => existsSync(join('functions', folder, 'main.ts')));

describe('bundles', () => {
  test('exist for every function that has a limit', () => {
    expect(folders).toEqual(expect.arrayContaining(Object.keys(limits)));
  });

  test.each(folders)('of %s stay within their limit', async (folder) => {
    const { bytes } = await bundle(folder);

    expect(bytes).toBeLessThan(limits[folder] ?? (opensSource(folder) ? sourceLimit : defaultLimit));
  });

  test.each(Object.keys(limits))('of %s reach only router, flags and kernel', async (folder) => {
    const { modules } = await bundle(folder);

    expect(modules.length).toBeGreaterThan(3);
    for (const module of modules) {
      expect(module).toMatch(/^(lib\/(router|flags|kernel)\/|functions\/(assign-cohort|route-request)\/)/);
    }
  });
});

describe('the script for the viewer function', () => {
  const script = bundleAssignCohort();

  test('fits into a CloudFront function', () => {
    expect(Buffer.byteLength(script)).toBeLessThan(10 * 1024);
  });

  test('uses nothing that the runtime does not have', () => {
    expect(script).toMatch(/^import \w+ ?from ?"cloudfront";/);
    expect(script).not.toMatch(/\bexport\b|catch ?\{|\?\?|\?\.|\bclass\b|=>|\.\.\.|\brequire\b|\bprocess\b/);
  });
});

function opensSource(folder: string): boolean {
  const main = readFileSync(join('functions', folder, 'main.ts'), 'utf8');
  return main.includes('lib/sources/open-flat-source.ts');
}

async function bundle(folder: string): Promise<{ bytes: number; modules: readonly string[] }> {
  const built = await build({
    entryPoints: [join('functions', folder, 'main.ts')],
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    legalComments: 'none',
    external: ['@aws-sdk/*', 'cloudfront'],
    define: { HAL9_EDGE_CONFIG: '{}' },
  });
  return {
    bytes: built.outputFiles[0]!.contents.byteLength,
    modules: Object.keys(built.metafile.inputs).filter((name) => !name.startsWith('<')),
  };
}
