import { createWriteStream, mkdirSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { join } from 'node:path';

/** One log file per function (and per part of the cloud) under `<data>/logs`. */
export interface LogFiles {
  /** A function that appends one time-stamped line to `<name>.log`. */
  lineWriter(name: string): (line: string) => void;
  close(): Promise<void>;
}

export function openLogFiles(directory: string): LogFiles {
  mkdirSync(directory, { recursive: true });
  const streams = new Map<string, WriteStream>();
  const open = (name: string): WriteStream => {
    const known = streams.get(name);
    if (known !== undefined) return known;
    const stream = createWriteStream(join(directory, `${name}.log`), { flags: 'a' });
    // A full disk must not take the cloud down; the lines are lost, the state is not.
    stream.on('error', () => undefined);
    streams.set(name, stream);
    return stream;
  };
  return {
    lineWriter(name) {
      return (line) => {
        open(name).write(`${new Date().toISOString()} ${line}\n`);
      };
    },
    async close() {
      await Promise.all(
        [...streams.values()].map((stream) => new Promise<void>((resolve) => stream.end(() => resolve()))),
      );
      streams.clear();
    },
  };
}
