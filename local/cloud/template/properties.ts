import type { ResolvedResource } from './resolve.ts';

/** Readers of resolved properties; a property of the wrong kind is a fault of the templates and names its place. */

function wrong(resource: ResolvedResource, path: string, expected: string): Error {
  return new Error(`${resource.stackName}/${resource.logicalId}: ${path} is not ${expected}`);
}

/** Follows `A.B.C`; undefined when a part is absent. */
export function propertyAt(resource: ResolvedResource, path: string): unknown {
  let value: unknown = resource.properties;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

export function optionalText(resource: ResolvedResource, path: string): string | undefined {
  const value = propertyAt(resource, path);
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw wrong(resource, path, 'a text');
  return value;
}

export function textAt(resource: ResolvedResource, path: string): string {
  const value = optionalText(resource, path);
  if (value === undefined) throw wrong(resource, path, 'there');
  return value;
}

/** Templates spell numbers as numbers and as texts. */
export function optionalNumber(resource: ResolvedResource, path: string): number | undefined {
  const value = propertyAt(resource, path);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isFinite(number)) throw wrong(resource, path, 'a number');
  return number;
}

export function listAt(resource: ResolvedResource, path: string): readonly unknown[] {
  const value = propertyAt(resource, path);
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(resource, path, 'a list');
  return value;
}
