import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import type { BuildOptions } from 'esbuild';
import { join } from 'node:path';

import { projectRoot } from './project-root.ts';

type Options = Pick<BuildOptions, 'target' | 'external' | 'define' | 'alias' | 'banner' | 'mainFields'>;

/**
 * A function's `main.ts` as one module, bundled in this process: through the library each of two dozen functions would
 * start a package manager that starts the bundler. `folder` is a name under `functions/`.
 */
export function bundledCode(folder: string, options: Options): Code {
  return Code.fromAsset(join(projectRoot, 'functions', folder), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Named because the library asks for one; the bundle never needs it.
      image: DockerImage.fromRegistry('public.ecr.aws/sam/build-nodejs24.x'),
      local: {
        tryBundle(outputDir) {
          bundle(folder, options, outputDir);
          return true;
        },
      },
    },
  });
}

function bundle(folder: string, options: Options, outputDir: string): void {
  buildSync({
    ...options,
    absWorkingDir: projectRoot,
    entryPoints: [join(projectRoot, 'functions', folder, 'main.ts')],
    outfile: join(outputDir, 'index.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    minify: true,
    logLevel: 'error',
  });
}
