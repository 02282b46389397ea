import type { Command } from 'commander';

import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { oneOf, wholeNumber } from '../options.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printDocument } from '../output/terminal.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type GenerateOptions = Options<{ schema: string; records: string; seed: string; output: string }>;

export function addGenerateVerb(program: Command, context: CliContext): void {
  addVerb(program, context, {
    name: 'generate',
    description: verbDescriptions.generate,
    examples: [
      'hal9-migrate generate --records 20000 --seed 1 -o flat.sqlite',
      'hal9-migrate generate --schema server --records 20000 -o server.sqlite',
    ],
  })
    .option('--records <n>', 'rows in all', '20000')
    .option('--schema <name>', 'canonical, or server: the store of a running HAL9 server', 'canonical')
    .option('--seed <n>', 'the same seed gives the same rows', '1')
    .requiredOption('-o, --output <file>', 'the file to write, which must not exist, or a postgres:// URL')
    .action(async (options: GenerateOptions) => {
      const records = wholeNumber('--records', options.records, 1);
      const seed = wholeNumber('--seed', options.seed, 0);
      if (/^postgres(ql)?:\/\//.test(options.output)) {
        await generateInPostgres(options, { records, seed });
        return;
      }
      const { generateStore, storeSchemas } = await import('../../lib/sqlite/generate-store.ts');
      const schema = oneOf('--schema', options.schema, storeSchemas);
      const lines = liveLines({ quiet: options.json });
      const startedAtMs = performance.now();
      const store = await generateStore({
        path: options.output,
        schema,
        records,
        seed,
        onProgress: ({ written }) => {
          const perSecond = written / Math.max(0.001, (performance.now() - startedAtMs) / 1000);
          lines.update([`${count(written)} of ${count(records)} rows  ${count(perSecond)}/s`]);
        },
      });
      lines.done();
      if (options.json) {
        printDocument('GeneratedStore', { ...store, seed });
        return;
      }
      note(
        `Wrote ${count(store.records)} rows to ${store.path}; ${count(store.damaged)} of them cannot be converted, on purpose.`,
      );
      nextStep(`hal9-migrate local up --detach --source ${store.path}`);
    });
}

async function generateInPostgres(
  options: GenerateOptions,
  sizes: { readonly records: number; readonly seed: number },
): Promise<void> {
  oneOf('--schema', options.schema, ['canonical']);
  const { generateDatabase } = await import('../../lib/postgres/generate-store.ts');
  const { targetOfUrl } = await import('../../lib/postgres/open-store.ts');
  const lines = liveLines({ quiet: options.json });
  const store = await generateDatabase({
    target: targetOfUrl(options.output, 'public'),
    ...sizes,
    onProgress: ({ written }) => lines.update([`${count(written)} of ${count(sizes.records)} rows`]),
  });
  lines.done();
  if (options.json) {
    printDocument('GeneratedStore', { ...store, seed: sizes.seed });
    return;
  }
  note(`Wrote ${count(store.records)} rows to ${store.path}.`);
  nextStep('hal9-migrate local up --detach --source URL');
}
