import { exitCodes, HalError } from '../../lib/kernel/errors.ts';
import type { LocalCloud, LocalCloudOptions } from './local-cloud.ts';
import { startLocalCloud } from './start-local-cloud.ts';
import { optionsVariable } from './supervisor-messages.ts';
import type { SupervisorReport } from './supervisor-messages.ts';

/** The supervisor of a detached local cloud: runs until a signal, or until a part of the cloud dies. */
const options = JSON.parse(process.env[optionsVariable] ?? '{}') as LocalCloudOptions;
process.on('disconnect', () => undefined);

try {
  const cloud = await startLocalCloud({
    ...options,
    onProgress: (line) => report({ kind: 'progress', line }),
  });
  endOnSignal(cloud);
  void cloud.failed.then((reason) => {
    process.stderr.write(`${reason}\n`);
    return end(cloud, exitCodes.unavailable);
  });
  report({ kind: 'ready' });
} catch (error) {
  fail(error);
}

function report(message: SupervisorReport): void {
  if (process.connected) process.send?.(message);
}

function endOnSignal(cloud: LocalCloud): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void end(cloud, exitCodes.ok));
  }
}

async function end(cloud: LocalCloud, code: number): Promise<void> {
  await cloud.stop();
  process.exit(code);
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${error instanceof Error ? (error.stack ?? message) : message}\n`);
  const fault =
    error instanceof HalError
      ? { name: error.name, remedy: error.remedy, exit: error.exit, facts: error.facts }
      : null;
  const code = error instanceof HalError ? exitCodes[error.exit] : exitCodes.failed;
  const last: SupervisorReport = { kind: 'failed', message, fault };
  if (process.connected) process.send?.(last, () => process.exit(code));
  else process.exit(code);
}
