import { closeSync, openSync, writeSync } from 'node:fs';

import type { HistoryEntry } from './history.ts';

const flushCharacters = 1 << 16;

/** Appends entries to a history file in blocks; nothing of the history stays in memory. */
export interface Recorder {
  record(entry: HistoryEntry): void;
  close(): void;
}

/** Replaces a file that is there already. */
export function makeRecorder(path: string): Recorder {
  const file = openSync(path, 'w');
  let buffered = '';
  const flush = (): void => {
    writeSync(file, buffered);
    buffered = '';
  };
  return {
    record(entry) {
      buffered += `${JSON.stringify(entry)}\n`;
      if (buffered.length >= flushCharacters) flush();
    },
    close() {
      flush();
      closeSync(file);
    },
  };
}
