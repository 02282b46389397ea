import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Files below the folders (relative to the project) whose names end so. */
export function filesBelow(folders: readonly string[], ending: string): readonly SourceFile[] {
  return folders
    .flatMap((folder) => readdirSync(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** The product's own code. */
export function sourceFiles(): readonly SourceFile[] {
  return filesBelow(['lib', 'functions', 'cdk', 'cli', 'local'], '.ts');
}

/** Everything written for readers; what a folder of the project's root holds besides documents is left out. */
export function documents(): readonly SourceFile[] {
  const root = readdirSync('.').filter((name) => name.endsWith('.md'));
  return [
    ...root.map((path) => ({ path, text: readFileSync(path, 'utf8') })),
    ...filesBelow(['docs'], '.md'),
  ];
}
