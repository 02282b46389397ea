import { vi } from 'vitest';

import { runCli } from '../../cli/program.ts';

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, where neither stream is a terminal, and catches what it prints. */
export async function captured(
  line: string | readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const argv = typeof line === 'string' ? line.split(' ').filter((word) => word !== '') : line;
  const [out, err] = [catchWrites(process.stdout), catchWrites(process.stderr)];
  try {
    const code = await runCli(argv, env);
    return { code, out: out.text(), err: err.text() };
  } finally {
    out.restore();
    err.restore();
  }
}

function catchWrites(stream: NodeJS.WriteStream): { text(): string; restore(): void } {
  let printed = '';
  const spy = vi.spyOn(stream, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
  return { text: () => printed, restore: () => spy.mockRestore() };
}

/** The only JSON document of an output; throws when there is more or less. */
export function onlyDocument(out: string): Record<string, unknown> {
  return JSON.parse(out) as Record<string, unknown>;
}
