import { randomInt, type Random } from '../../../../lib/kernel/random.ts';
import { sha256Hex } from '../../../../lib/kernel/sha256.ts';
import { makeMemoryBodyMarks } from '../../../../lib/memory/body-marks.ts';
import { makeMemoryBodyObjects } from '../../../../lib/memory/body-objects.ts';
import { makeMemoryLargeBodies, type StoredBody } from '../../../../lib/memory/large-bodies.ts';
import { dayMs } from '../../../../lib/migration/body-name.ts';
import type { NamedBodies } from '../../../../lib/migration/bodies/ports.ts';
import type { SweepBodiesDeps } from '../../../../lib/migration/bodies/sweep-bodies.ts';
import type { LargeBodies } from '../../../../lib/migration/large-bodies.ts';

const firstMs = Date.UTC(2026, 0, 1);
/** What AWS promises: a message sent again once from the dead letters, and the images of a stream. */
const heldMs = { message: 28 * dayMs, image: dayMs };

interface Holder {
  readonly name: string;
  readonly untilMs: number;
}

/**
 * Records with large bodies, in virtual time: items name bodies, images of items do for a day, and what was put is on
 * its way to an item for up to 28 days. `namesAgain` gives a content the same name on every day.
 */
export function bodyWorld({ namesAgain = false }: { readonly namesAgain?: boolean } = {}) {
  let nowMs = firstMs;
  const clock = { nowMs: () => nowMs };
  const objects = new Map<string, StoredBody>();
  const items = new Map<string, string>();
  let images: Holder[] = [];
  let underway: Holder[] = [];
  const violations: string[] = [];
  const bodies = namesAgain ? contentNames(objects, clock.nowMs) : makeMemoryLargeBodies({ clock, objects });

  function look(): void {
    images = images.filter(({ untilMs }) => untilMs > nowMs);
    underway = underway.filter(({ untilMs }) => untilMs > nowMs);
    const holders = [...items.values(), ...[...images, ...underway].map(({ name }) => name)];
    for (const name of holders) if (!objects.has(name)) violations.push(`${name} is named and gone`);
  }

  /** The item as it was stays in the stream for a day. */
  function leave(key: string): void {
    const name = items.get(key);
    if (name !== undefined) images.push({ name, untilMs: nowMs + heldMs.image });
    items.delete(key);
  }

  const put = async (text: string): Promise<string> => {
    const name = await bodies.put(text);
    underway.push({ name, untilMs: nowMs + heldMs.message });
    return name;
  };

  const write = (key: string, name: string): void => {
    leave(key);
    items.set(key, name);
  };

  const pass = (durationMs: number): void => {
    nowMs += durationMs;
  };

  /** Something that happens while somebody else works. */
  async function happen(random: Random): Promise<void> {
    const keys = ['a', 'b', 'c', 'd'];
    const key = keys[randomInt(random, keys.length)] ?? '';
    const kind = randomInt(random, 4);
    if (kind === 0) await put(`text ${randomInt(random, 2)}`);
    else if (kind === 1 && underway.length > 0) {
      const [one] = underway.splice(randomInt(random, underway.length), 1);
      if (one !== undefined) write(key, one.name);
    } else if (kind === 2) leave(key);
    else pass(randomInt(random, 3_600_000));
    look();
  }

  /** Items one by one, in the order of their keys: a scan that much may happen within. */
  const named: NamedBodies = {
    scan(cursor) {
      const keys = [...items.keys()].toSorted().filter((key) => cursor === null || key > cursor);
      const [key] = keys;
      // A record that names no body stands for all the others.
      if (key === undefined) return Promise.resolve({ names: [], items: 1, cursor: null });
      return Promise.resolve({ names: [items.get(key) ?? ''], items: 1, cursor: key });
    },
  };

  const marks = makeMemoryBodyMarks();
  let sweeps = 0;
  const deps: SweepBodiesDeps = {
    objects: makeMemoryBodyObjects(objects),
    named,
    marks,
    clock,
    newId: () => String((sweeps += 1)),
    onDelete: () => Promise.resolve(),
  };
  return { deps, marks, objects, items, violations, put, write, leave, pass, happen, look };
}

/** What the protocol must not do: a content that is put again gets the name that it had. */
function contentNames(objects: Map<string, StoredBody>, nowMs: () => number): LargeBodies {
  return {
    put(text) {
      const name = `2025-01-01/${sha256Hex(text)}`;
      objects.set(name, { text, storedAtMs: nowMs() });
      return Promise.resolve(name);
    },
    get: (name) => Promise.resolve(objects.get(name)?.text ?? null),
  };
}
