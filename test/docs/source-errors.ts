import { exitCodes } from '../../lib/kernel/errors.ts';
import type { ExitCodeName } from '../../lib/kernel/errors.ts';
import { sourceFiles } from './source-files.ts';

export interface SourceError {
  readonly name: string;
  readonly exit: number;
  readonly path: string;
}

/**
 * Files that make errors from a table or a parameter, with how to find the names there: group 1 is the name, group 2
 * the exit code where it is not always the same.
 */
const indirect: Readonly<Record<string, { pattern: RegExp; exit?: ExitCodeName }>> = {
  'lib/orchestrator/plan.ts': { pattern: /percentageFault\(\s*'(\w+)'/g, exit: 'usage' },
  'lib/sqlite/faults.ts': { pattern: /name: '(\w+)',\s+says: [^}]*?exit: '(\w+)'/g },
  // These hand on what another process reported; the names stand where they are made.
  'cli/function-faults.ts': { pattern: /(?!)/g },
  'local/cloud/lifecycle.ts': { pattern: /(?!)/g },
};

/** Every error that an operator may meet, found by how it is made. Throws for one whose name cannot be found. */
export function sourceErrors(): readonly SourceError[] {
  return sourceFiles().flatMap(({ path, text }) => {
    const made = [...text.matchAll(/new HalError\(/g)].map((match) =>
      literalError(path, argumentAt(text, match.index + match[0].length)),
    );
    const unnamed = made.filter((error) => error === null).length;
    if (unnamed > 0 && indirect[path] === undefined)
      throw new Error(`${path} makes an error without a literal name`);
    return [...made.filter((error) => error !== null), ...indirectErrors(path, text)];
  });
}

function literalError(path: string, argument: string): SourceError | null {
  const name = /\bname: '(\w+)'/.exec(argument)?.[1];
  if (name === undefined) return null;
  return { name, exit: exitOf(/\bexit: '(\w+)'/.exec(argument)?.[1] ?? 'failed'), path };
}

function indirectErrors(path: string, text: string): SourceError[] {
  const rule = indirect[path];
  if (rule === undefined) return [];
  return [...text.matchAll(rule.pattern)].map(([, name = '', exit]) => ({
    name,
    exit: exitOf(exit ?? rule.exit ?? 'failed'),
    path,
  }));
}

/** Text from `start` to the bracket that closes the call. */
function argumentAt(text: string, start: number): string {
  let depth = 1;
  let end = start;
  while (depth > 0 && end < text.length) {
    if ('([{'.includes(text[end] ?? '')) depth += 1;
    if (')]}'.includes(text[end] ?? '')) depth -= 1;
    end += 1;
  }
  return text.slice(start, end);
}

function exitOf(name: string): number {
  return exitCodes[name as ExitCodeName];
}
