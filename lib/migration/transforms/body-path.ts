/** Where a value stands in a body, for example `['learning_state', 'weights']`. */
export type BodyPath = readonly string[];

export type MutableBody = Record<string, unknown>;

/** undefined when it or anything above it is not there. */
export function readPath(body: unknown, path: BodyPath): unknown {
  let value = body;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = Object.hasOwn(value, name) ? (value as MutableBody)[name] : undefined;
  }
  return value;
}

/** Creates the objects above it. */
export function writePath(body: MutableBody, path: BodyPath, value: unknown): void {
  let parent = body;
  for (const name of path.slice(0, -1)) {
    const child = (parent[name] ?? {}) as MutableBody;
    parent[name] = child;
    parent = child;
  }
  parent[path.at(-1) ?? ''] = value;
}
