import type { PublishOutcome } from './ports.ts';
import { formatRoutes, type Routes } from './routes.ts';

/** What publishing `next` over `current` would come to; the law that every route store follows. */
export function judgePublish(
  current: Routes | null,
  next: Routes,
  order: 'epoch-and-version' | 'epoch-only',
): PublishOutcome {
  if (current === null) return { kind: 'published', routes: next, replaced: null };
  if (current.routingEpoch > next.routingEpoch) return { kind: 'kept-newer', routes: current };
  const sameEpoch = current.routingEpoch === next.routingEpoch;
  if (sameEpoch && order === 'epoch-and-version' && current.version > next.version) {
    return { kind: 'kept-newer', routes: current };
  }
  if (saysTheSame(current, next)) return { kind: 'unchanged', routes: current };
  return { kind: 'published', routes: next, replaced: current };
}

/** A newer version of the same routes is published all the same, so that versions between the two are refused later. */
function saysTheSame(current: Routes, next: Routes): boolean {
  const isNewerVersion = next.version !== 0 && next.version !== current.version;
  return (
    !isNewerVersion && formatRoutes({ ...current, version: 0 }) === formatRoutes({ ...next, version: 0 })
  );
}
