import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';

import { runCli } from '../../cli/program.ts';
import { documents, sourceFiles } from './source-files.ts';

const scripts = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> })
  .scripts;

interface Mention {
  readonly path: string;
  readonly text: string;
}

const code = /```[^]*?```|`[^`\n]+`|^ {4}.*$/gm;
const comments = /\/\*\*?[^]*?\*\/|^\s*\/\/.*$/gm;
const strings = /'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\\n]|\\.)*"/g;

/** What stands in code of a document, and in texts of the sources, whose remedies name commands in quotes or after a colon. */
const spans: readonly Mention[] = [
  ...documents().flatMap(({ path, text }) =>
    [...text.matchAll(code)].map(([span]) => ({ path, text: span })),
  ),
  ...sourceFiles().flatMap(({ path, text }) =>
    [...text.replaceAll(comments, '').matchAll(strings)].map(([span]) => ({ path, text: span })),
  ),
];

const printed: string[] = [];
const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
  printed.push(String(chunk));
  return true;
});
const complaints = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
afterAll(() => {
  out.mockRestore();
  complaints.mockRestore();
});

describe('commands in documents and messages', () => {
  const mentions = spans.flatMap(({ path, text }) =>
    [...text.matchAll(/(?<=^ +|[`'":] ?|npx |# )hal9-migrate((?: [a-z][a-z-]+)+)((?: [^\n`'"]*)?)/gm)].map(
      ([, verbs = '', rest = '']) => ({ path, verbs: verbs.trim().split(' '), rest }),
    ),
  );

  test('exist in the CLI, with their options', async () => {
    const faults: string[] = [];
    for (const { path, verbs, rest } of mentions) {
      for (const fault of await faultsOf(verbs, rest)) faults.push(`${path}: ${fault}`);
    }

    expect(mentions.length).toBeGreaterThan(20);
    expect(faults).toEqual([]);
  });

  test('of npm are scripts of package.json', () => {
    const unknown = spans.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm run ([a-z:-]+)/g)]
        .map(([, script = '']) => script)
        .filter((script) => scripts[script] === undefined)
        .map((script) => `${path}: npm run ${script}`),
    );

    expect(unknown).toEqual([]);
  });
});

describe('paths in documents and messages', () => {
  test('lead to documents that exist', () => {
    const named = spans.flatMap(({ path, text }) =>
      [...text.matchAll(/\bdocs\/[\w/-]+\.md\b/g)].map(([target]) => ({ path, target })),
    );
    const linked = documents().flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => ({
        path,
        target: join(dirname(path), target),
      })),
    );

    expect(named.length).toBeGreaterThan(5);
    expect([...named, ...linked].filter(({ target }) => !existsSync(target))).toEqual([]);
  });
});

/** Asks the CLI for help on the longest command that the words make. */
async function faultsOf(verbs: readonly string[], rest: string): Promise<string[]> {
  const given = `hal9-migrate ${verbs.join(' ')}`;
  printed.length = 0;
  await runCli([...verbs, ...(verbs[0] === 'help' ? [] : ['--help'])], {});
  const help = printed.join('');
  if (verbs[0] === 'help') return help.includes('Exit codes') ? [] : [`${given} prints nothing`];
  const usage = /Usage: hal9-migrate(.*)/.exec(help)?.[1]?.trim() ?? '';
  const known = usage.split(' ').filter((word) => /^[a-z][a-z|-]*$/.test(word));
  const takesMore = !usage.includes('[command]') && known.length > 0;
  if (known.length < verbs.length && !takesMore) return [`${given}: no such command`];
  return [...rest.matchAll(/(?<= )--[a-z][a-z-]*/g)]
    .filter(([option]) => !help.includes(option))
    .map(([option]) => `${given} has no ${option}`);
}
