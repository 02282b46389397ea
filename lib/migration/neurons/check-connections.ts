import type { JudgeKeysDeps } from '../judge-keys.ts';
import type { GraphSurvey } from './survey.ts';
import { makeSetAsideOrphans, type OrphanOutcome, type SetAsideDeps } from './set-aside-orphans.ts';
import { makeWalkGraph } from './walk-graph.ts';

export interface CheckConnectionsRequest {
  /** Both systems and whether they agree, or flat alone. */
  readonly deep: boolean;
  /** Names the repair; null reports only. */
  readonly fixId: string | null;
}

type OrphanCounts = Readonly<Record<OrphanOutcome, number>>;

export type CheckConnectionsAnswer =
  | {
      readonly done: false;
      readonly cursor: string;
      readonly survey: GraphSurvey;
      readonly orphans: OrphanCounts;
    }
  | { readonly done: true; readonly survey: GraphSurvey; readonly orphans: OrphanCounts };

const noOrphans: OrphanCounts = { 'set-aside': 0, mended: 0, left: 0 };

/** Looks at every edge and its ends; with a `fixId`, takes those without an end out of the graph. */
export function makeCheckConnections(
  deps: JudgeKeysDeps & SetAsideDeps,
): (
  request: CheckConnectionsRequest,
  cursor: string | null,
  deadlineMs: number,
) => Promise<CheckConnectionsAnswer> {
  const walk = makeWalkGraph(deps);
  const setAside = makeSetAsideOrphans(deps);
  return async ({ deep, fixId }, cursor, deadlineMs) => {
    const before =
      cursor === null
        ? { walk: null, orphans: noOrphans }
        : (JSON.parse(cursor) as { walk: string; orphans: OrphanCounts });
    const orphans = { ...before.orphans };
    const answer = await walk(
      { sides: deep ? 'both' : 'flat', parts: 'edges' },
      before.walk,
      deadlineMs,
      async (edges) => {
        if (fixId === null) return;
        const orphaned = edges.filter(({ edge }) => edge.kind === 'orphaned').map(({ key }) => key);
        for (const outcome of await setAside(orphaned, fixId)) orphans[outcome] += 1;
      },
    );
    if (answer.done) return { ...answer, orphans };
    return { ...answer, cursor: JSON.stringify({ walk: answer.cursor, orphans }), orphans };
  };
}
