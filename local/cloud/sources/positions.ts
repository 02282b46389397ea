import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** How far each shard has been delivered; survives a killed cloud, so nothing of a table's stream is skipped. */
export interface Positions {
  get(shard: string): string | undefined;
  set(shard: string, sequenceNumber: string): void;
}

/** A file that is cut or gone only means that records are delivered once more. */
export function openPositions(path: string): Positions {
  const positions = new Map<string, string>(readPositions(path));
  return {
    get: (shard) => positions.get(shard),
    set(shard, sequenceNumber) {
      positions.set(shard, sequenceNumber);
      const next = `${path}.next`;
      writeFileSync(next, JSON.stringify(Object.fromEntries(positions)));
      renameSync(next, path);
    },
  };
}

function readPositions(path: string): [string, string][] {
  if (!existsSync(path)) return [];
  try {
    return Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>);
  } catch {
    return [];
  }
}
