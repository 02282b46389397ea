import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

import { freePort } from '../cloud/free-port.ts';

/** Majors whose binaries are installed with the project. */
export type PostgresMajor = 14 | 18;

export interface RunningPostgres {
  readonly major: PostgresMajor;
  readonly url: string;
  /** URL of another database of the same server, for the same superuser. */
  urlOf(database: string): string;
  /** A fresh, empty database; its URL. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** PostgreSQL refuses to run as root; this is `nobody`. */
const unprivileged = 65534;

const settings = [
  ['fsync', 'off'],
  ['full_page_writes', 'off'],
  ['max_connections', '200'],
  ['shared_buffers', '32MB'],
  ['unix_socket_directories', ''],
] as const;

/**
 * A PostgreSQL server of this machine, on a free loopback port, with its data in a temporary directory. Nothing of it
 * survives `stop`; for tests and rehearsals.
 */
export async function startPostgres(
  major: PostgresMajor,
  walLevel: 'replica' | 'logical' = 'logical',
): Promise<RunningPostgres> {
  const native = nativeDirectory(major);
  const directory = mkdtempSync(join(tmpdir(), 'hal9-postgres-'));
  const data = join(directory, 'data');
  const identity = process.getuid?.() === 0 ? { uid: unprivileged, gid: unprivileged } : {};
  if ('uid' in identity) {
    chownSync(directory, unprivileged, unprivileged);
    chmodSync(directory, 0o700);
  }
  const run = (program: string, args: readonly string[]): ChildProcess =>
    spawn(join(native, 'bin', program), [...args], {
      ...identity,
      cwd: directory,
      env: { LD_LIBRARY_PATH: join(native, 'lib'), TZ: 'UTC', LANG: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  try {
    await succeeded(
      run('initdb', ['-D', data, '-U', 'hal9', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']),
    );
    const port = await freePort();
    const server = run('postgres', [
      '-D',
      data,
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      '-c',
      `wal_level=${walLevel}`,
    ]);
    return await running(major, server, { port, directory });
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

async function running(
  major: PostgresMajor,
  server: ChildProcess,
  place: { readonly port: number; readonly directory: string },
): Promise<RunningPostgres> {
  const urlOf = (database: string): string => `postgres://hal9@127.0.0.1:${place.port}/${database}`;
  const url = urlOf('postgres');
  const output = collected(server);
  await untilAnswering(url, server, output);
  let databases = 0;
  return {
    major,
    url,
    urlOf,
    async createDatabase() {
      databases += 1;
      const name = `flat_${databases}`;
      const strategy = major < 15 ? '' : ' STRATEGY file_copy';
      await withClient(url, (client) => client.query(`CREATE DATABASE ${name}${strategy}`));
      return urlOf(name);
    },
    async stop() {
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit');
        // Immediate shutdown: nothing of the data is kept.
        server.kill('SIGQUIT');
        await ended;
      }
      rmSync(place.directory, { recursive: true, force: true });
    },
  };
}

/** Where the binaries of a major version are. Throws when the package is not installed on this platform. */
function nativeDirectory(major: PostgresMajor): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve(`postgres-${major}-linux-x64`)), '..', 'native');
}

async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function untilAnswering(url: string, server: ChildProcess, output: () => string): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  for (;;) {
    try {
      await withClient(url, (client) => client.query('SELECT 1'));
      return;
    } catch (cause) {
      const isOver = server.exitCode !== null || performance.now() > deadlineMs;
      if (isOver) throw new Error(`PostgreSQL does not answer: ${output()}`, { cause });
      await delay(25);
    }
  }
}

async function succeeded(child: ChildProcess): Promise<void> {
  const output = collected(child);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${output()}`);
}

/** The last output of a process, for messages. */
function collected(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text = `${text}${chunk.toString('utf8')}`.slice(-4000);
  });
  return () => text;
}
