import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { deployFileName, parseDeployFile } from '../lib/config/deploy-file.ts';
import { migrationFileOf } from './migration-file.ts';
import { projectRoot } from './project-root.ts';

/** Everything a template depends on. */
const inputs = [
  'cdk',
  'functions',
  'lib',
  'cdk.json',
  'package-lock.json',
  'tsconfig.json',
  'hal9.deploy.json',
];

const recordName = '.inputs-hash';

/** sha256 over the names and contents of all inputs: equal hash, equal templates. */
function hashInputs(deployFilePath: string | undefined): string {
  const hash = createHash('sha256');
  for (const input of inputs) addPath(hash, input);
  if (deployFilePath !== undefined && existsSync(deployFilePath)) {
    hash.update(deployFilePath).update(readFileSync(deployFilePath));
  }
  addMigration(hash, deployFilePath ?? join(projectRoot, deployFileName));
  return hash.digest('hex');
}

/** Whatever TypeScript stands beside the migration file may be part of it. */
function addMigration(hash: ReturnType<typeof createHash>, deployFilePath: string): void {
  if (!existsSync(deployFilePath)) return;
  const deploy = parseDeployFile(readFileSync(deployFilePath, 'utf8'), deployFilePath);
  const file = migrationFileOf(deploy, deployFilePath);
  if (file === null) return;
  // What it imports of ours is hashed already.
  const names = readdirSync(dirname(file)).filter((name) => name.endsWith('.ts'));
  for (const name of names.toSorted()) hash.update(name).update(readFileSync(join(dirname(file), name)));
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
