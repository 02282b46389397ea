import type { Command } from 'commander';

import { exitCodes } from '../../lib/kernel/errors.ts';
import type { CloudFile } from '../../local/cloud/cloud-file.ts';
import type { LocalCloudOptions } from '../../local/cloud/local-cloud.ts';
import { addVerb, type CliContext, type Options } from '../command-context.ts';
import { positiveNumber, wholeNumber } from '../options.ts';
import { nextStep, note, printData, printDocument } from '../output/terminal.ts';
import { verbDescriptions } from '../verb-descriptions.ts';

type UpOptions = Options<{
  detach: boolean;
  source?: string;
  port: string;
  timeScale: string;
  rate: string;
  records: string;
  seed: string;
}>;

/** Waits of a day last six seconds; evidence is never shortened. */
const defaultTimeScale = '14400';

export function addLocalVerbs(program: Command, context: CliContext): void {
  const local = program.command('local').description(verbDescriptions.local);
  addUp(local, context);
  addDown(local, context);
  addStatus(local, context);
}

function addUp(local: Command, context: CliContext): void {
  addVerb(local, context, {
    name: 'up',
    description: 'start the local cloud, both HAL9 services and some traffic',
    examples: ['hal9-migrate local up --detach', 'hal9-migrate local up --source flat.sqlite --time-scale 1'],
  })
    .option('--detach', 'return when it is ready; it runs on in the background', false)
    .option(
      '--source <store>',
      'SQLite file (copied, never written), or used where they are: postgres:// URL, dynamodb://PREFIX?endpoint=URL, JSON Lines file or folder, s3://BUCKET/PREFIX?endpoint=URL',
    )
    .option('--port <n>', 'port of the edge; 0 takes a free one', '0')
    .option('--time-scale <n>', 'by how much waits are shortened; 1 is real time', defaultTimeScale)
    .option('--rate <n>', 'requests per second of background traffic; 0 is none', '20')
    .option('--records <n>', 'rows of a generated store', '20000')
    .option('--seed <n>', 'seed of a generated store', '1')
    .action(async (options: UpOptions) => {
      const cloudOptions = readUpOptions(options);
      if (options.detach) {
        const { startDetachedCloud } = await import('../../local/cloud/lifecycle.ts');
        presentUp(await startDetachedCloud(cloudOptions), options);
        return;
      }
      await runInForeground(cloudOptions, options);
    });
}

function readUpOptions(options: UpOptions): LocalCloudOptions {
  return {
    dataDir: options.data,
    ...(options.source === undefined ? {} : { sourceFile: options.source }),
    port: wholeNumber('--port', options.port, 0, 65_535),
    timeScale: positiveNumber('--time-scale', options.timeScale),
    trafficRate: wholeNumber('--rate', options.rate, 0),
    records: wholeNumber('--records', options.records, 1),
    seed: wholeNumber('--seed', options.seed, 0),
    onProgress: note,
  };
}

async function runInForeground(cloudOptions: LocalCloudOptions, options: UpOptions): Promise<void> {
  const { startLocalCloud } = await import('../../local/cloud/start-local-cloud.ts');
  const { readCloudFile } = await import('../../local/cloud/cloud-file.ts');
  const stopped = Promise.withResolvers<string>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.resolve(signal));
  const cloud = await startLocalCloud(cloudOptions);
  const file = readCloudFile(cloud.dataDir);
  if (file !== null) presentUp(file, options);
  note('Ctrl-C stops it; the data stays.');
  const reason = await Promise.race([stopped.promise, cloud.failed]);
  note(`Stopping: ${reason}`);
  await cloud.stop();
}

function presentUp(cloud: CloudFile, options: UpOptions): void {
  if (options.json) {
    printDocument('LocalCloud', { state: 'running', ...describe(cloud) });
    return;
  }
  printData(`The local cloud is ready: ${cloud.endpoints.edgeUrl}`);
  printData(`  flat          ${cloud.endpoints.flatUrl}`);
  printData(`  hierarchical  ${cloud.endpoints.hierarchicalUrl}`);
  printData(`  data          ${options.data}`);
  nextStep(`hal9-migrate pre-check${options.data === '.hal9/local' ? '' : ` --data ${options.data}`}`);
}

function describe({ pid, startedAt, timeScale, endpoints }: CloudFile): object {
  return { pid, startedAt, timeScale, endpoints };
}

function addDown(local: Command, context: CliContext): void {
  addVerb(local, context, {
    name: 'down',
    description: 'stop the local cloud; its data stays',
    examples: ['hal9-migrate local down'],
  }).action(async (options: Options) => {
    const { stopCloud } = await import('../../local/cloud/lifecycle.ts');
    const result = await stopCloud(options.data);
    if (options.json) {
      printDocument('LocalCloud', { state: 'stopped', result });
      return;
    }
    const said = {
      stopped: 'The local cloud has stopped; its data stays.',
      cleaned: 'A killed local cloud had left something behind; it is cleaned up.',
      'not-running': 'No local cloud was running.',
    };
    note(said[result.kind]);
  });
}

function addStatus(local: Command, context: CliContext): void {
  addVerb(local, context, {
    name: 'status',
    description: 'whether the local cloud runs, and where',
    examples: ['hal9-migrate local status', 'hal9-migrate local status --json'],
  }).action(async (options: Options) => {
    const { cloudStatus } = await import('../../local/cloud/lifecycle.ts');
    const status = await cloudStatus(options.data);
    if (status.kind !== 'running') context.setExitCode(exitCodes.unavailable);
    if (options.json) {
      const running = status.kind === 'running' ? describe(status.cloud) : {};
      printDocument('LocalCloud', { state: status.kind, ...running });
      return;
    }
    if (status.kind === 'running') {
      printData(
        `running since ${status.cloud.startedAt} (pid ${status.cloud.pid}), ${status.cloud.endpoints.edgeUrl}`,
      );
      return;
    }
    note(status.kind === 'starting' ? 'The local cloud is starting.' : 'No local cloud is running.');
    nextStep('hal9-migrate local up --detach');
  });
}
