import { stripVTControlCharacters } from 'node:util';

import { visibleLength } from './table.ts';
import { note } from './terminal.ts';

/** Without a terminal a line is appended at most this often. */
const plainIntervalMs = 5_000;

/**
 * Progress on stderr: redrawn in place on a terminal, appended every few seconds elsewhere, silent when `quiet`.
 * `update` replaces the block; `log` prints a line above it that stays.
 */
export interface LiveLines {
  update(lines: readonly string[]): void;
  log(line: string): void;
  done(): void;
}

export function liveLines(options: { readonly quiet?: boolean } = {}): LiveLines {
  if (options.quiet === true) return { update: () => {}, log: () => {}, done: () => {} };
  return process.stderr.isTTY ? redrawn() : appended();
}

function redrawn(): LiveLines {
  let shown: readonly string[] = [];
  const erase = (): void => {
    if (shown.length > 0) process.stderr.write(`\u001B[${shown.length}A\u001B[0J`);
  };
  const draw = (lines: readonly string[]): void => {
    shown = lines.map((line) => clip(line, process.stderr.columns ?? 80));
    if (shown.length > 0) note(shown.join('\n'));
  };
  return {
    update(lines) {
      erase();
      draw(lines);
    },
    log(line) {
      const block = shown;
      erase();
      note(line);
      draw(block);
    },
    done() {
      shown = [];
    },
  };
}

function appended(): LiveLines {
  let lastAtMs = 0;
  let last: readonly string[] = [];
  return {
    update(lines) {
      last = lines;
      if (Date.now() - lastAtMs < plainIntervalMs) return;
      lastAtMs = Date.now();
      note(lines.join(' | '));
    },
    log(line) {
      note(line);
    },
    done() {
      if (last.length > 0) note(last.join(' | '));
      last = [];
    },
  };
}

/** Cuts what would wrap; a wrapped line could not be erased again. A cut line loses its colours. */
function clip(line: string, width: number): string {
  if (visibleLength(line) < width) return line;
  return `${stripVTControlCharacters(line).slice(0, Math.max(0, width - 2))}…`;
}
