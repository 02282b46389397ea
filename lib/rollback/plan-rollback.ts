import { HalError } from '../kernel/errors.ts';
import type { FlagsDocument } from '../flags/document.ts';
import {
  applyRollback,
  combineEdits,
  setFeature,
  setShadow,
  type EditStamp,
  type FlagsEdit,
} from '../flags/edit.ts';
import type { Category } from '../migration/category.ts';
import { phaseNames, phaseOrder, phases, type PhaseName } from '../orchestrator/phases.ts';
import { parsePhase } from '../orchestrator/plan.ts';
import type { RunRecord } from '../orchestrator/run.ts';
import { mayHaveSwitched } from '../orchestrator/state-phase.ts';
import type { Routes } from '../router/routes.ts';
import type { RollbackRequest } from './request.ts';

/** One effect of a rollback, in the order in which they happen. The first two happen side by side. */
export type RollbackAction =
  | { readonly kind: 'publish-routes'; readonly routes: Routes }
  | { readonly kind: 'write-flags'; readonly routingEpoch: number }
  | { readonly kind: 'authority-to-flat'; readonly category: Category }
  | { readonly kind: 'finish'; readonly toPhase: PhaseName };

interface RollbackPlan {
  readonly kind: 'roll-back';
  readonly fromPhase: PhaseName;
  readonly toPhase: PhaseName;
  readonly routingEpoch: number;
  readonly actions: readonly RollbackAction[];
}

export type PlannedRollback = RollbackPlan | { readonly kind: 'nothing-to-do'; readonly why: string };

/**
 * Decides how far back and by which effects; changes nothing. `run` null is a migration that never began (or a
 * record that cannot be read), which takes nothing from the way back of the traffic. `categories` are all there are.
 * Throws HalErrors `UnknownPhase` and `RollbackForward` for what an operator asked.
 */
export function planRollback(
  run: RunRecord | null,
  published: Routes | null,
  request: RollbackRequest,
  categories: readonly Category[],
): PlannedRollback {
  const idle = whyNothing(run, published, request);
  if (idle !== null) return { kind: 'nothing-to-do', why: idle };
  const fromPhase = run?.phase ?? 'none';
  const toPhase = targetPhase(fromPhase, request);
  const routingEpoch = Math.max(run?.routingEpoch ?? 0, published?.routingEpoch ?? 0) + 1;
  return {
    kind: 'roll-back',
    fromPhase,
    toPhase,
    routingEpoch,
    actions: actionsOf(run, published, request, { toPhase, routingEpoch }, categories),
  };
}

/** The effects of a rollback whose epoch and target are settled; also those of one that was interrupted. */
export function actionsOf(
  run: RunRecord | null,
  published: Routes | null,
  request: RollbackRequest,
  target: { readonly toPhase: PhaseName; readonly routingEpoch: number },
  categories: readonly Category[],
): readonly RollbackAction[] {
  const isAuthorityBack =
    request.restoreAuthority ||
    (phases[target.toPhase].authorityAfterUndo === 'flat' && mayHaveSwitched(run?.statePhase ?? null));
  return [
    { kind: 'publish-routes', routes: routesBack(published, request, target.routingEpoch) },
    { kind: 'write-flags', routingEpoch: target.routingEpoch },
    ...(isAuthorityBack
      ? categoriesOf(run, categories)
          .toReversed()
          .map((category) => ({ kind: 'authority-to-flat', category }) as const)
      : []),
    { kind: 'finish', toPhase: target.toPhase },
  ];
}

/** Those that the run knows of; all of them when nothing is known. */
function categoriesOf(run: RunRecord | null, categories: readonly Category[]): readonly Category[] {
  const known = run?.statePhase?.categories ?? [];
  return known.length > 0 ? known : categories;
}

function routesBack(published: Routes | null, request: RollbackRequest, routingEpoch: number): Routes {
  const present = published ?? { killSwitch: false, hierarchicalEnabled: false, trafficThousandths: 0 };
  return {
    routingEpoch,
    // Not from AppConfig: whatever AppConfig deploys at this epoch replaces it.
    version: 0,
    killSwitch: request.killSwitch || present.killSwitch,
    hierarchicalEnabled: present.hierarchicalEnabled,
    trafficThousandths: Math.min(present.trafficThousandths, request.trafficThousandths),
  };
}

/** Why there is nothing to take back; an operator's wish is always carried out. */
function whyNothing(
  run: RunRecord | null,
  published: Routes | null,
  request: RollbackRequest,
): string | null {
  const { only } = request;
  if (only !== null) return speaksFor(only, run) ? null : 'another execution or a rollback took over';
  if (!request.isAutomatic || servesUsers(published)) return null;
  return run === null ? 'nothing was started' : whyQuiet(run);
}

function whyQuiet(run: RunRecord): string | null {
  if (run.status === 'rolling-back') return null;
  if (run.status === 'rolled-back') return 'traffic is on flat since the last rollback';
  const isBefore = run.phase === 'none' || run.phase === 'shadow';
  return isBefore ? 'nobody is served by the hierarchical system' : null;
}

function speaksFor(only: NonNullable<RollbackRequest['only']>, run: RunRecord | null): boolean {
  if (run === null || run.runId !== only.runId) return false;
  if (run.status === 'rolling-back') return run.rollbacks.at(-1)?.trigger === 'workflow';
  return run.routingEpoch === only.routingEpoch && run.executionCount === only.execution;
}

/** Without readable routes the worst is assumed. */
function servesUsers(published: Routes | null): boolean {
  if (published === null) return true;
  return published.hierarchicalEnabled && !published.killSwitch && published.trafficThousandths > 0;
}

function targetPhase(from: PhaseName, request: RollbackRequest): PhaseName {
  if (request.toPhase === null && request.isComplete) return from === 'none' ? 'none' : 'shadow';
  if (request.toPhase === null) return phases[from].undo ?? 'none';
  const to = parsePhase(request.toPhase);
  if (phaseOrder(to) <= phaseOrder(from)) return to;
  const choices = phaseNames.slice(0, phaseOrder(from) + 1).join(', ');
  throw new HalError({
    name: 'RollbackForward',
    message: `Phase ${to} is not behind ${from}: a rollback goes back, here to ${choices}.`,
    remedy: 'Choose one of the phases that the message lists.',
    exit: 'usage',
    facts: { from, to },
  });
}

/**
 * The change of the flags. It is decided on the flags in force, so it can be repeated: what is already at the epoch
 * and not above the share stays untouched.
 */
export function rollbackEdit(
  target: { readonly toPhase: PhaseName; readonly routingEpoch: number },
  request: Pick<RollbackRequest, 'trafficThousandths' | 'killSwitch'>,
  stamp: EditStamp,
): FlagsEdit {
  const back = applyRollback(request, stamp);
  return (document) => {
    const isBack =
      document.routingEpoch >= target.routingEpoch &&
      document.trafficThousandths <= request.trafficThousandths &&
      (document.killSwitch || !request.killSwitch);
    if (isBack) return document;
    const quiet = combineEdits(...leavingEdits(document, target.toPhase, stamp))(back(document));
    return { ...quiet, routingEpoch: Math.max(quiet.routingEpoch, target.routingEpoch) };
  };
}

/** Features of the phases that are left go off; shadow goes off with the phase of that name. */
function leavingEdits(document: FlagsDocument, toPhase: PhaseName, stamp: EditStamp): readonly FlagsEdit[] {
  const left = phaseNames.filter((name) => phaseOrder(name) > phaseOrder(toPhase));
  const features = left
    .flatMap((name) => phases[name].enter)
    .flatMap((action) => (action.kind === 'enable-features' ? action.features : []))
    .filter((name) => document.features[name]?.enabled === true);
  const edits = features.map((name) => setFeature(name, { enabled: false }, stamp));
  return toPhase === 'none' ? [...edits, setShadow({ enabled: false, sampleThousandths: 0 }, stamp)] : edits;
}
