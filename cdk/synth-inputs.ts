import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectRoot } from './project-root.ts';

/** Everything a template depends on. */
const inputs = ['cdk', 'functions', 'lib', 'cdk.json', 'package-lock.json', 'hal9.deploy.json'];

const recordName = '.inputs-hash';

/** sha256 over the names and contents of all inputs: equal hash, equal templates. */
function hashInputs(deployFilePath: string | undefined): string {
  const hash = createHash('sha256');
  for (const input of inputs) addPath(hash, input);
  if (deployFilePath !== undefined && existsSync(deployFilePath)) {
    hash.update(deployFilePath).update(readFileSync(deployFilePath));
  }
  return hash.digest('hex');
}

function addPath(hash: ReturnType<typeof createHash>, path: string): void {
  const absolute = join(projectRoot, path);
  if (!existsSync(absolute)) return;
  const entries = path.includes('.') ? null : readdirSync(absolute, { recursive: true, withFileTypes: true });
  if (entries === null) {
    hash.update(path).update(readFileSync(absolute));
    return;
  }
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.toSorted()) hash.update(file.slice(projectRoot.length)).update(readFileSync(file));
}

export function recordInputs(outdir: string, deployFilePath?: string): void {
  writeFileSync(join(outdir, recordName), hashInputs(deployFilePath));
}

/**
 * True when the templates in `outdir` were made from the sources, and the given deploy file, as they are now.
 * @public asked by the local cloud in a process of its own
 */
export function inputsUnchanged(outdir: string, deployFilePath?: string): boolean {
  const record = join(outdir, recordName);
  return existsSync(record) && readFileSync(record, 'utf8') === hashInputs(deployFilePath);
}
