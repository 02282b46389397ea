import { HalError } from '../kernel/errors.ts';
import { canonicalJson } from '../kernel/canonical-json.ts';
import { nearestName } from '../kernel/nearest-name.ts';
import { everybodyThousandths, formatPercent } from '../kernel/percent.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import type { Gate, GateName } from './gates.ts';
import { isWorkingPhase, phaseAliases, phaseNames, phases, workingPhases } from './phases.ts';
import type { PhaseName, WorkingPhase } from './phases.ts';
import type { AlarmRule, Profile, ProfileName, ProfileStep } from './profiles.ts';

export interface PlanStep {
  /** `canary-25`, `state-migration`; unique within a plan. */
  readonly id: string;
  readonly phase: WorkingPhase;
  /** null: the share stays what it is. */
  readonly trafficThousandths: number | null;
  readonly bakeSeconds: number;
  readonly gates: readonly Gate[];
}

export interface Plan {
  readonly profile: ProfileName;
  readonly steps: readonly PlanStep[];
  /** Names the plan's whole content: two runs with one hash did the same. */
  readonly planHash: string;
}

/** Where a migration stands when somebody wants to go on. */
export interface Position {
  readonly phase: PhaseName;
  readonly trafficThousandths: number;
}

/** The whole way of the profile from the start. */
export function planAll(profile: Profile): Plan {
  return asPlan(profile, profile.steps);
}

/**
 * Index of the step at which the plan goes on from a position: the last step of the phase that it stands in, so
 * that the ground is proven again before anything is raised.
 */
export function startIndex(steps: readonly PlanStep[], phase: PhaseName): number {
  return Math.max(
    0,
    steps.findLastIndex((step) => step.phase === phase),
  );
}

export interface StepRequest {
  readonly phase: string;
  /** Absent when the operator gave none. */
  readonly trafficThousandths?: number;
}

/** One step by the operator's hand. Throws HalErrors `UnknownPhase`, `PhaseOutOfOrder`, `PercentageMissing`, ... */
export function planStep(profile: Profile, request: StepRequest, from: Position): Plan {
  const phase = parsePhase(request.phase);
  if (!isWorkingPhase(phase)) throw unknownPhase(request.phase);
  assertMayFollow(from.phase, phase);
  const trafficThousandths = shareOf(phase, request.trafficThousandths, from);
  const model = profile.steps.findLast(
    (step) =>
      step.phase === phase &&
      (step.trafficThousandths === null || step.trafficThousandths <= (trafficThousandths ?? 0)),
  );
  const fallback = profile.steps.find((step) => step.phase === phase);
  const bakeSeconds = (model ?? fallback)?.bakeSeconds ?? 0;
  const latencyP99Ms = (model ?? fallback)?.latencyP99Ms;
  return asPlan(profile, [
    { phase, trafficThousandths, bakeSeconds, ...(latencyP99Ms === undefined ? {} : { latencyP99Ms }) },
  ]);
}

/** Reads a phase name or one of its other names. Throws a HalError `UnknownPhase`. */
export function parsePhase(given: string): PhaseName {
  const text = given.trim().toLowerCase().replaceAll('_', '-');
  const found = phaseNames.find((name) => name === text) ?? phaseAliases[text];
  if (found === undefined) throw unknownPhase(given);
  return found;
}

/** Throws a HalError `PhaseOutOfOrder` unless the phase table lets `to` follow `from`. */
export function assertMayFollow(from: PhaseName, to: PhaseName): void {
  if (phases[from].next.includes(to)) return;
  const allowed = phases[from].next;
  throw new HalError({
    name: 'PhaseOutOfOrder',
    message: `Phase ${to} cannot follow ${from}: from ${from} the next may be ${allowed.join(' or ') || 'nothing'}.`,
    remedy:
      allowed.length === 0
        ? 'Go back first with: hal9-migrate rollback --to-phase canary'
        : `Run: hal9-migrate migrate --phase ${allowed.at(-1) ?? ''}${exampleShare(allowed.at(-1))}`,
    exit: 'conflict',
    facts: { from, to, allowed },
  });
}

function shareOf(phase: WorkingPhase, given: number | undefined, from: Position): number | null {
  const rule = phases[phase].traffic;
  if (rule !== 'share') {
    const fixed = { nobody: 0, everybody: everybodyThousandths, 'as-it-is': null }[rule];
    if (given === undefined || given === fixed) return fixed;
    throw percentageFault('PercentageNotAllowed', `Phase ${phase} takes no percentage`, { phase, given }, [
      `Leave --percentage out; ${phase} ${fixed === null ? 'keeps the share' : `is ${formatPercent(fixed)} %`}.`,
    ]);
  }
  if (given === undefined) {
    throw percentageFault('PercentageMissing', `Phase ${phase} needs a percentage`, { phase }, [
      `Run: hal9-migrate migrate --phase ${phase}${exampleShare(phase)}`,
    ]);
  }
  assertShareGrows(phase, given, from);
  return given;
}

/** ` --percentage 5` where the phase needs one. */
function exampleShare(phase: PhaseName | undefined): string {
  if (phase === undefined || phases[phase].traffic !== 'share') return '';
  return ` --percentage ${phase === 'canary' ? '5' : '50'}`;
}

function assertShareGrows(phase: WorkingPhase, given: number, from: Position): void {
  if (!Number.isInteger(given) || given <= 0 || given > everybodyThousandths) {
    throw percentageFault(
      'PercentageInvalid',
      `${formatPercent(given)} % is no share for phase ${phase}`,
      { phase, given },
      ['Give a percentage above 0 and at most 100; to take traffic back run: hal9-migrate rollback'],
    );
  }
  if (given >= from.trafficThousandths) return;
  throw percentageFault(
    'PercentageDecreases',
    `${formatPercent(given)} % is below the present ${formatPercent(from.trafficThousandths)} %`,
    { phase, given, present: from.trafficThousandths },
    ['A step only raises the share; to lower it run: hal9-migrate rollback'],
  );
}

function percentageFault(
  name: string,
  message: string,
  facts: Readonly<Record<string, unknown>>,
  remedies: readonly string[],
): HalError {
  return new HalError({ name, message: `${message}.`, remedy: remedies.join(' '), exit: 'usage', facts });
}

function unknownPhase(given: string): HalError {
  const suggestion = nearestName(given, workingPhases);
  return new HalError({
    name: 'UnknownPhase',
    message: `There is no phase "${given}".${suggestion === null ? '' : ` Did you mean "${suggestion}"?`}`,
    remedy: `Choose one of ${workingPhases.join(', ')}.`,
    exit: 'usage',
    facts: { given, known: workingPhases },
  });
}

function asPlan(profile: Profile, steps: readonly ProfileStep[]): Plan {
  const planned = steps.map((step) => plannedStep(profile, step));
  return {
    profile: profile.name,
    steps: planned,
    planHash: sha256Hex(canonicalJson({ profile: profile.name, steps: planned })),
  };
}

function plannedStep(profile: Profile, step: ProfileStep): PlanStep {
  const suffix =
    phases[step.phase].traffic === 'share' ? `-${formatPercent(step.trafficThousandths ?? 0)}` : '';
  return {
    id: `${step.phase}${suffix}`,
    phase: step.phase,
    trafficThousandths: step.trafficThousandths,
    bakeSeconds: step.bakeSeconds,
    gates: phases[step.phase].gates.map((name) => gateOf(name, profile, step)),
  };
}

function gateOf(name: GateName, profile: Profile, step: ProfileStep): Gate {
  const { rollBack, minSamples } = profile;
  switch (name) {
    case 'shadow-parity':
      return { name, parityAtLeast: profile.shadowParity, minComparisons: minSamples };
    case 'error-rate':
      return {
        name,
        limit: profile.gateErrorRate,
        rollBackAbove: highest(rollBack.errorRate, profile.gateErrorRate),
        minSamples,
      };
    case 'latency-p99':
      return {
        name,
        limitMs: step.latencyP99Ms ?? profile.gateLatencyP99Ms,
        relativeLimit: profile.relativeLatencyLimit,
        rollBackAboveMs: highest(rollBack.latencyP99Ms, profile.gateLatencyP99Ms),
        rollBackSamples: samplesOfHighest(rollBack.latencyP99Ms, minSamples),
        minSamples,
      };
    case 'health-checks':
      return { name, failuresToRollBack: rollBack.failedHealthChecks };
    case 'alarms':
    case 'state-moved':
      return { name };
    default:
      return name satisfies never;
  }
}

/** Requests that the alarm of the highest limit sees before it rolls back. */
function samplesOfHighest(rules: readonly AlarmRule[], least: number): number {
  const sharpest = rules.toSorted((left, right) => right.limit - left.limit)[0];
  return sharpest === undefined ? least : Math.max(least, sharpest.periods * sharpest.minSamples);
}

/** A gate sees the whole bake as one window, so it answers to the sharpest rule there is. */
function highest(rules: readonly { readonly limit: number }[], least: number): number {
  return Math.max(least, ...rules.map((rule) => rule.limit));
}
