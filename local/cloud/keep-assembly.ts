import { cpSync, existsSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { projectRoot } from './project-root.ts';

/**
 * Copies the synthesized app, so that a cloud runs to its end what it began with while somebody synthesizes anew:
 * bundles are loaded when they are first called. Returns the copy's directory.
 */
export function keepAssembly(assembly: string, copy: string): string {
  rmSync(copy, { recursive: true, force: true });
  cpSync(assembly, copy, { recursive: true });
  // The bundle of the edge function takes the SDK from the runtime; here the project's packages are the runtime.
  const packages = join(copy, 'node_modules');
  if (!existsSync(packages)) symlinkSync(join(projectRoot, 'node_modules'), packages, 'dir');
  return copy;
}
