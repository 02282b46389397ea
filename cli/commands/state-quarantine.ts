import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { ReplayCounts } from '../../lib/migration/replay-quarantine.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { connect } from '../connection.ts';
import { functionInvoker } from '../invoker.ts';
import { listOption, wholeNumber } from '../options.ts';
import { quarantineTable } from '../output/checkpoint-views.ts';
import { liveLines } from '../output/live-lines.ts';
import { count } from '../output/quantities.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { parseCategories } from '../state/categories.ts';
import { chosenDefinition } from '../state/chosen-definition.ts';
import { listQuarantine, replayAll, replayOne, showQuarantined } from '../state/quarantine.ts';

type QuarantineOptions = Options<{ category?: readonly string[]; limit: string; dryRun: boolean }>;

const categoryHelp = 'category, or several by commas; all when absent';

export function addQuarantineVerbs(state: Command, context: CliContext): void {
  const quarantine = state
    .command('quarantine')
    .description('records that could not be converted, written or restored: with reason and raw row');
  addList(quarantine, context);
  addShow(quarantine, context);
  addReplay(quarantine, context);
}

function addList(quarantine: Command, context: CliContext): void {
  addVerb(quarantine, context, {
    name: 'list',
    description: 'which records, why, since when, and how often they were tried',
    examples: [
      'hal9-migrate state quarantine list',
      'hal9-migrate state quarantine list --category metadata',
    ],
  })
    .option('--category <names...>', categoryHelp, listOption)
    .option('--limit <n>', 'at most this many', '200')
    .action(async (options: QuarantineOptions) => {
      const limit = wholeNumber('--limit', options.limit, 1);
      const categories = parseCategories(options.category ?? [], await chosenDefinition());
      const invoker = await functionInvoker(connect(options, context.env));
      const entries = await listQuarantine(invoker, categories, limit);
      if (options.json) {
        printDocument('Quarantine', { entries });
        return;
      }
      if (entries.length === 0) {
        note('Nothing is in quarantine.');
        return;
      }
      printData(quarantineTable(entries));
      nextStep('hal9-migrate state quarantine show RECORD');
    });
}

function addShow(quarantine: Command, context: CliContext): void {
  addVerb(quarantine, context, {
    name: 'show',
    description: 'one record with its fault and its raw row, in full',
    examples: ['hal9-migrate state quarantine show session/5f0c'],
  })
    .argument('<record>', 'record type, slash, key, as the list prints it')
    .option('--category <names...>', categoryHelp, listOption)
    .action(async (record: string, options: QuarantineOptions) => {
      const categories = parseCategories(options.category ?? [], await chosenDefinition());
      const invoker = await functionInvoker(connect(options, context.env));
      const entry = await showQuarantined(invoker, categories, record);
      if (options.json) {
        printDocument('QuarantinedRecord', { entry });
        return;
      }
      note(`${entry.errorName}: ${entry.errorMessage}`);
      const { epoch, sequence } = entry.version;
      note(`category ${entry.category}, version ${epoch}.${sequence}, tried ${count(entry.attempts)} times`);
      printData(entry.rawRow);
      if (Buffer.byteLength(entry.rawRow) < entry.rawLengthBytes) {
        note(`Cut: the whole row has ${count(entry.rawLengthBytes)} bytes and is in the flat store.`);
      }
      nextStep(`hal9-migrate state quarantine replay ${record}`);
    });
}

function addReplay(quarantine: Command, context: CliContext): void {
  addVerb(quarantine, context, {
    name: 'replay',
    description: 'try records again after they were repaired; never over anything newer, harmless to repeat',
    examples: [
      'hal9-migrate state quarantine replay',
      'hal9-migrate state quarantine replay session/5f0c',
      'hal9-migrate state quarantine replay --category learning-data --dry-run',
    ],
  })
    .argument('[record]', 'one record, as the list prints it; all when absent')
    .option('--category <names...>', categoryHelp, listOption)
    .option('--dry-run', 'say which would be tried, and change nothing', false)
    .action(async (record: string | undefined, options: QuarantineOptions) => {
      const categories = parseCategories(options.category ?? [], await chosenDefinition());
      const invoker = await functionInvoker(connect(options, context.env));
      const one = record === undefined ? null : await showQuarantined(invoker, categories, record);
      if (options.dryRun) {
        const entries = one === null ? await listQuarantine(invoker, categories, 10_000) : [one];
        if (options.json) printDocument('QuarantineReplayPlan', { entries: entries.length });
        else printData(`would try ${count(entries.length)} records`);
        return;
      }
      const lines = liveLines({ quiet: options.json });
      const counts =
        one === null || record === undefined
          ? await replayAll(invoker, categories, (so) => lines.update([`${count(so.replayed)} replayed`]))
          : await replayOne(invoker, one, record);
      lines.done();
      presentReplay(counts, options.json, context);
    });
}

const outcomeTexts: Readonly<Record<keyof ReplayCounts, string>> = {
  replayed: 'replayed',
  'still-rejected': 'still cannot be converted; repair the row, then replay',
  'changed-since': 'written since they were set aside; replaying would undo that write',
  'not-replayable': 'hold no whole row to replay',
  'authority-moved': 'wait for authority, which moves; replay again',
};

function presentReplay(counts: ReplayCounts, json: boolean, context: CliContext): void {
  const left = Object.values(counts).reduce((sum, value) => sum + value, 0) - counts.replayed;
  if (left > 0) context.setExitCode(exitCodes.partial);
  if (json) {
    printDocument('QuarantineReplay', { counts });
    return;
  }
  for (const [name, text] of Object.entries(outcomeTexts)) {
    const value = counts[name as keyof ReplayCounts];
    if (value > 0 || name === 'replayed') printData(`${count(value).padStart(8)}  ${text}`);
  }
  nextStep(left > 0 ? 'hal9-migrate state quarantine list' : 'hal9-migrate state verify');
}
