import type { Sleeper } from '../../kernel/clock.ts';
import { makeEditionWatch } from './edition-watch.ts';
import type { EditionStore } from './ports.ts';
import type { PublishAnswer, PublishRequest } from './publish-edition.ts';
import { seenGeneration, type SeenGeneration } from './reload-test.ts';

export interface ObservedPublication {
  readonly answer: PublishAnswer;
  /** How often a reader looked while it was published. */
  readonly looks: number;
  /** What it saw, each change once. */
  readonly seen: readonly SeenGeneration[];
}

const lookEveryMs = 2;

/** Publishes while a reader reloads as fast as it can, and once more afterwards. */
export async function publishObserved(
  deps: {
    readonly editions: EditionStore;
    readonly sleeper: Sleeper;
    publish(request: PublishRequest): Promise<PublishAnswer>;
  },
  request: PublishRequest,
  changes: number,
): Promise<ObservedPublication> {
  const watch = makeEditionWatch(deps.editions, request.category);
  const seen: SeenGeneration[] = [];
  let looks = 0;
  const look = async (): Promise<void> => {
    await watch.refresh();
    looks += 1;
    const now = seenGeneration(watch.current()?.records ?? [], changes);
    if (seen.at(-1) !== now) seen.push(now);
  };
  const publication = { isOver: false };
  await look();
  const published = deps.publish(request).finally(() => {
    publication.isOver = true;
  });
  const watching = (async () => {
    while (!publication.isOver) {
      await look();
      await deps.sleeper.sleep(lookEveryMs);
    }
  })();
  const [answer] = await Promise.all([published, watching]);
  await look();
  return { answer, looks, seen };
}
