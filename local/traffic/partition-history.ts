import { closeSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import type { HistoryEntry } from './history.ts';
import { readLineChunks } from './read-lines.ts';

const flushCharacters = 1 << 18;

/**
 * Splits a history by key into files of about `partitionBytes`, so that one fits into memory; a small history stays
 * as it is. All entries of a key are in one file, in their order.
 */
export async function partitionHistory(
  historyPath: string,
  workDir: string,
  partitionBytes: number,
): Promise<readonly string[]> {
  const count = Math.min(256, Math.ceil(statSync(historyPath).size / partitionBytes));
  if (count <= 1) return [historyPath];
  mkdirSync(workDir, { recursive: true });
  const partitions = Array.from({ length: count }, (_, index) =>
    openPartition(join(workDir, `history-part-${index}.jsonl`)),
  );
  for await (const lines of readLineChunks(historyPath)) {
    for (const line of lines) {
      const { k } = JSON.parse(line) as HistoryEntry;
      partitions[fnv1a(k) % count]?.append(line);
    }
  }
  return partitions.map((partition) => partition.close());
}

interface Partition {
  append(line: string): void;
  /** Returns the path. */
  close(): string;
}

function openPartition(path: string): Partition {
  const file = openSync(path, 'w');
  let buffered = '';
  const flush = (): void => {
    writeSync(file, buffered);
    buffered = '';
  };
  return {
    append(line) {
      buffered += `${line}\n`;
      if (buffered.length > flushCharacters) flush();
    },
    close() {
      flush();
      closeSync(file);
      return path;
    },
  };
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
