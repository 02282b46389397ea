import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { delimiter, dirname, join } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';
import { childFailed, startChild } from './child-process.ts';
import type { Child } from './child-process.ts';
import { isSameProcessAlive } from './process-identity.ts';
import { freePort } from './free-port.ts';
import { addScanIndexes, addStreamIndexes } from './engine-indexes.ts';

/** DynamoDB and its streams. */
export interface TableEngine {
  readonly url: string;
  /** null when somebody else runs the engine. */
  readonly child: Child | null;
  /** Prepares the tables for parallel scans, once they are made. Does nothing to somebody else's engine. */
  indexTables(): void;
}

export interface TableEngineOptions {
  readonly databasePath: string;
  readonly logPath: string;
  /** Environment of this process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const startAttempts = 3;
const readyWithinMs = 5_000;

/**
 * The engine is a program that does not watch its parent. A shell between them does: when the pipe on its stdin
 * closes, however this process ended, it ends the engine.
 */
const untilStdinCloses = `exec 3<&0
"$@" 3<&- </dev/null &
engine=$!
trap 'kill $engine 2>/dev/null' TERM INT
(cat <&3 >/dev/null; kill $engine 2>/dev/null) &
exec 3<&-
wait $engine
wait $engine 2>/dev/null`;

/** Uses LOCAL_DDB_ENDPOINT, else starts dynoxide. Throws TableEngineMissing and TableEngineUnreachable. */
export async function startTableEngine(options: TableEngineOptions): Promise<TableEngine> {
  const given = options.env['LOCAL_DDB_ENDPOINT'];
  if (given !== undefined && given !== '') {
    await requireAnswer(given);
    return { url: given, child: null, indexTables: () => undefined };
  }
  const binary = findTableEngine(options.env['PATH'] ?? '');
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const child = startChild({
      name: 'table engine',
      command: '/bin/sh',
      args: [
        '-c',
        untilStdinCloses,
        'sh',
        binary,
        'serve',
        '--port',
        String(port),
        '--db-path',
        options.databasePath,
      ],
      env: options.env,
      logPath: options.logPath,
      ipc: false,
    });
    if (await answersWithin(port, child, readyWithinMs)) {
      addStreamIndexes(options.databasePath);
      const indexTables = (): void => addScanIndexes(options.databasePath);
      return { url: `http://127.0.0.1:${port}`, child, indexTables };
    }
    await child.stop();
    if (attempt === startAttempts) throw childFailed(child, options.logPath, 'it does not answer');
  }
}

async function requireAnswer(url: string): Promise<void> {
  try {
    const { hostname, port } = new URL(url);
    if (await accepts(Number(port === '' ? 80 : port), hostname)) return;
  } catch {
    // No URL at all.
  }
  throw new HalError({
    name: 'TableEngineUnreachable',
    message: `No DynamoDB engine answers at LOCAL_DDB_ENDPOINT (${url}).`,
    remedy:
      'Start that engine, correct the address, or unset LOCAL_DDB_ENDPOINT to use the one that comes along.',
    exit: 'unavailable',
    facts: { url },
  });
}

const packageOfPlatform = `@dynoxide/${process.platform}-${process.arch}`;

/** The package for this platform, else the program on the path. Throws TableEngineMissing. */
export function findTableEngine(path: string, packageName = packageOfPlatform): string {
  const candidates = [
    ...installedBinary(packageName),
    ...path.split(delimiter).map((directory) => join(directory, 'dynoxide')),
  ];
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new HalError({
    name: 'TableEngineMissing',
    message: `The DynamoDB engine dynoxide is neither installed as ${packageName} nor on the path.`,
    remedy:
      'Run `npm ci` without --omit=optional, put `dynoxide` on the PATH, or point LOCAL_DDB_ENDPOINT to an engine that runs.',
    exit: 'unavailable',
    facts: { packageName },
  });
}

function installedBinary(packageName: string): readonly string[] {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    return [join(dirname(manifest), 'dynoxide')];
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function answersWithin(port: number, child: Child, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (Date.now() < deadline && isSameProcessAlive(child.identity)) {
    if (await accepts(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
