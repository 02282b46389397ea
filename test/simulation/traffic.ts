import { formatFlagsDocument, type FlagsDocument } from '../../lib/flags/document.ts';
import { applyRollback, setTraffic } from '../../lib/flags/edit.ts';
import { randomInt, type Random } from '../../lib/kernel/random.ts';
import { makeFlagStore } from '../../lib/memory/flag-store.ts';
import { makeRouteStore } from '../../lib/memory/route-store.ts';
import { decideRoute } from '../../lib/router/decide-route.ts';
import { makeFlagsCopy, type FlagsCopy } from '../../lib/router/flags-copy.ts';
import { compileRoutes, type Routes } from '../../lib/router/routes.ts';
import type { Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';

interface TrafficOptions {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly random: Random;
  readonly violate: (text: string) => void;
}

type Flags = ReturnType<typeof makeFlagStore>;

const stamp = { updatedBy: 'operator', atMs: 0, reason: 'simulation' };
const edgeCount = 3;

/**
 * Flags and routes beside the state: an operator raises the traffic, alarms take it back or undo a deployment, and
 * edges with stale, absent or unreadable flags go on deciding. What they decide by is always something that was
 * deployed; they never lose it; the published routes never go back in epoch.
 */
export async function runTraffic(options: TrafficOptions): Promise<void> {
  const { scheduler, faults, random } = options;
  const flags = makeFlagStore();
  const edges = Array.from({ length: edgeCount }, () => makeEdge(options, flags));
  const publish = makePublisher(options, flags);
  for (const share of [1_000, 10_000, 25_000, 50_000, 100_000]) {
    await flags.writeFlags({ edit: setTraffic(share, stamp) });
    await publish();
    // The alarm of the deployment puts back what was in force before, while the next step is on its way.
    const before = flags.history.at(-2);
    if (before !== undefined && faults.happens('flagRolledBack'))
      await flags.writeFlags({ edit: () => before });
    if (random.next() < 0.2) {
      const edit = applyRollback({ trafficThousandths: 0, killSwitch: false }, stamp);
      await flags.writeFlags({ edit });
    }
    await publish();
    for (const edge of edges) await askOften(options, flags, edge);
    await scheduler.sleep(20_000 * random.next());
  }
}

async function askOften({ random, violate }: TrafficOptions, flags: Flags, edge: FlagsCopy): Promise<void> {
  for (let asked = 0; asked < 3; asked += 1) {
    const had = edge.current();
    await (random.next() < 0.5 ? edge.refresh() : edge.refreshOnDoubt());
    const has = edge.current();
    const { side } = decideRoute({ subject: `user-${randomInt(random, 50)}` }, has);
    if (had !== null && has === null) violate('invariant 14: an edge lost its flags');
    if (has === null && side !== 'flat') violate('invariant 14: without flags a request left flat');
    if (has !== null && !flags.history.some((document) => isSame(document, has))) {
      violate(`invariant 14: nobody deployed ${JSON.stringify(has)}`);
    }
  }
}

function isSame(document: FlagsDocument, { routingEpoch, trafficThousandths, killSwitch }: Routes): boolean {
  return (
    document.routingEpoch === routingEpoch &&
    document.trafficThousandths === trafficThousandths &&
    document.killSwitch === killSwitch
  );
}

/** Copies what is deployed to the routes; the deployment it reads may be an older one. */
function makePublisher({ faults, random, violate }: TrafficOptions, flags: Flags): () => Promise<void> {
  const routes = makeRouteStore();
  let lastEpoch = 0;
  return async () => {
    await routes.follow(async () => {
      const isOld = faults.happens('staleRead');
      const past = isOld ? flags.history[randomInt(random, flags.history.length)] : undefined;
      const document = past ?? (await flags.read());
      return document === null ? null : compileRoutes(document, 0);
    });
    const { routingEpoch } = (await routes.read()) ?? { routingEpoch: 0 };
    if (routingEpoch < lastEpoch) violate(`invariant 5: routes went back from epoch ${lastEpoch}`);
    lastEpoch = routingEpoch;
  };
}

/** The flags of one edge, over a data plane that is late, absent or gives out nonsense. */
function makeEdge({ scheduler, faults, random }: TrafficOptions, flags: Flags): FlagsCopy {
  return makeFlagsCopy({
    clock: scheduler,
    within: (_durationMs, work) => work(new AbortController().signal),
    session: {
      start: () => Promise.resolve('token'),
      next: async () => {
        if (faults.happens('flagUnavailable')) throw new Error('no flags');
        const isStale = faults.happens('flagStale');
        const past = isStale ? flags.history[randomInt(random, flags.history.length)] : undefined;
        const document = past ?? (await flags.read());
        const text = document === null ? '' : formatFlagsDocument(document);
        const isCut = faults.happens('flagMalformed');
        return { token: 'token', content: isCut ? text.slice(0, randomInt(random, text.length)) : text };
      },
    },
  });
}
