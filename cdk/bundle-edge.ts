import { buildSync } from 'esbuild';
import { join } from 'node:path';

import { projectRoot } from './project-root.ts';

/**
 * Bundles the viewer-request function for the CloudFront Functions runtime 2.0: one script with a top-level
 * `handler`, since that runtime knows `import` of its own module and no `export`.
 */
export function bundleAssignCohort(): string {
  const built = buildSync({
    entryPoints: [join(projectRoot, 'functions/assign-cohort/main.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    // The runtime is ES 5.1 with some newer features: what it lacks is rewritten, or refused where that is impossible.
    target: 'es2017',
    supported: { destructuring: false, 'for-of': false, class: false, 'default-argument': false },
    minify: true,
    external: ['cloudfront'],
    legalComments: 'none',
  });
  const code = built.outputFiles[0]?.text ?? '';
  const exported = /export\{(?<local>\w+) as handler\};?\s*$/;
  if (!exported.test(code)) throw new Error('functions/assign-cohort/main.ts must export exactly `handler`');
  return code.replace(exported, 'var handler=$<local>;');
}
