import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { Role, WorkerLine, WorkerTask } from './worker-task.ts';

/** One worker process, from its start to its kill. */
interface Life {
  readonly role: Role;
  /** By its own hand at a counted point, from outside while it worked, or while it had nothing to do. */
  killed: 'at a point' | 'at a moment' | 'idle' | null;
}

interface Begun {
  readonly life: Life;
  readonly name: string;
}

export interface CrewReport {
  readonly kills: Readonly<Record<Role, number>>;
  readonly atPoints: number;
  readonly atMoments: number;
  readonly idle: number;
  /** Batches that workers began. */
  readonly batches: number;
  /** Batches of killed workers that another one began again; and the most of any one of them. */
  readonly repeated: number;
  readonly mostRepeated: number;
  readonly failures: readonly string[];
}

const seats: readonly Role[] = ['copy', 'copy', 'relay', 'apply'];
const mostPoints: Readonly<Record<Role, number>> = { copy: 90, relay: 24, apply: 60 };
const longestMomentMs = 300;

/** A killed worker is replaced at once, until as many were killed as shall be. */
export class Crew {
  readonly #lives: Life[] = [];
  readonly #begun: Begun[] = [];
  readonly #idling = new Set<() => void>();
  readonly #living = new Set<ChildProcess>();
  readonly #failures: string[] = [];
  #doomed = 0;
  #dead = 0;
  #isOver = false;
  readonly #task: Omit<WorkerTask, 'role' | 'dieAt'>;
  readonly #kills: number;
  readonly #random: Random;

  constructor(task: Omit<WorkerTask, 'role' | 'dieAt'>, kills: number, random: Random) {
    this.#task = task;
    this.#kills = kills;
    this.#random = random;
    for (const role of seats) this.#hire(role);
  }

  get dead(): number {
    return this.#dead;
  }

  /** Whoever was to be killed at work and has none left is killed as it waits. */
  killIdle(): void {
    this.#idling.forEach((kill) => kill());
  }

  #hire(role: Role): void {
    if (this.#isOver) return;
    const isDoomed = this.#doomed < this.#kills;
    if (isDoomed) this.#doomed += 1;
    const isByPoint = this.#random.next() < 0.5;
    const dieAt = isDoomed && isByPoint ? 1 + randomInt(this.#random, mostPoints[role]) : null;
    const momentMs = isDoomed && !isByPoint ? randomInt(this.#random, longestMomentMs) : null;
    const life: Life = { role, killed: null };
    this.#lives.push(life);
    const child = spawn(
      process.execPath,
      [new URL('worker.ts', import.meta.url).pathname, JSON.stringify({ ...this.#task, role, dieAt })],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    this.#living.add(child);
    const killFromOutside = (as: 'at a moment' | 'idle'): void => {
      life.killed ??= as;
      child.kill('SIGKILL');
    };
    const killWaiting = (): void => killFromOutside('idle');
    if (isDoomed) this.#idling.add(killWaiting);
    let timer: NodeJS.Timeout | undefined;
    const working = (): void => {
      if (momentMs !== null) timer ??= setTimeout(() => killFromOutside('at a moment'), momentMs);
    };
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as WorkerLine;
      if (line.kind === 'batch') this.#begun.push({ life, name: line.name });
      if (line.kind === 'failure') this.#failures.push(line.message);
      if (line.kind === 'batch' || (role === 'relay' && line.kind === 'ready')) working();
    });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('close', (_code, signal) => {
      clearTimeout(timer);
      this.#living.delete(child);
      this.#idling.delete(killWaiting);
      if (this.#isOver) return;
      if (signal === 'SIGKILL' && isDoomed) {
        life.killed ??= 'at a point';
        this.#dead += 1;
      } else this.#failures.push(`a worker (${role}) ended by itself: ${errors.slice(-500)}`);
      this.#hire(role);
    });
  }

  async stop(): Promise<CrewReport> {
    this.#isOver = true;
    await Promise.all(
      [...this.#living].map(
        (child) =>
          new Promise((resolve) => {
            child.on('close', resolve);
            child.kill('SIGKILL');
          }),
      ),
    );
    return reportOf(this.#lives, this.#begun, this.#failures);
  }
}

function reportOf(lives: readonly Life[], begun: readonly Begun[], failures: readonly string[]): CrewReport {
  const killed = lives.filter((life) => life.killed !== null);
  const count = (test: (life: Life) => boolean): number => killed.filter(test).length;
  const repeats = repeatsOf(begun);
  const perKilled = killed.map((life) => repeats.get(life) ?? 0);
  return {
    kills: {
      copy: count(({ role }) => role === 'copy'),
      relay: count(({ role }) => role === 'relay'),
      apply: count(({ role }) => role === 'apply'),
    },
    atPoints: count((life) => life.killed === 'at a point'),
    atMoments: count((life) => life.killed === 'at a moment'),
    idle: count((life) => life.killed === 'idle'),
    batches: begun.length,
    repeated: perKilled.reduce((sum, repeated) => sum + repeated, 0),
    mostRepeated: Math.max(0, ...perKilled),
    failures,
  };
}

/** How many batches of each worker were begun once more by the next one that had them. */
function repeatsOf(begun: readonly Begun[]): ReadonlyMap<Life, number> {
  const last = new Map<string, Life>();
  const repeats = new Map<Life, number>();
  for (const { life, name } of begun) {
    const before = last.get(name);
    if (before !== undefined && before !== life) repeats.set(before, (repeats.get(before) ?? 0) + 1);
    last.set(name, life);
  }
  return repeats;
}
