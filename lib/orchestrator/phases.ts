import type { GateName } from './gates.ts';

/**
 * Where a migration stands:
 *
 * - `none`: everything on flat, nothing prepared. Only shadow may follow.
 * - `shadow`: users are on flat; a sample of their safe requests is replayed to both systems and compared.
 * - `canary`: a small, growing share of users is served by the hierarchical system; flat owns the state.
 * - `state-migration`: traffic stays where canary left it while the state is copied, verified, and the authority of
 *   each category moves to the hierarchical store. Both systems use the authoritative store from then on.
 * - `ramp-up`: the share grows; the reverse path keeps flat current, so the way back loses nothing.
 * - `full`: everybody on hierarchical, flat on standby.
 * - `completed`: full was held for the standby time and every gate passed.
 *
 * A phase may be entered again from itself: with a higher share, or after a rollback to it.
 */
export const phaseNames = [
  'none',
  'shadow',
  'canary',
  'state-migration',
  'ramp-up',
  'full',
  'completed',
] as const;

export type PhaseName = (typeof phaseNames)[number];

/** The phases that do something; each has states of its own in the workflow. */
export const workingPhases = ['shadow', 'canary', 'state-migration', 'ramp-up', 'full'] as const;

export type WorkingPhase = (typeof workingPhases)[number];

/** What entering a phase does, in order. */
export type EntryAction =
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'compare-in-shadow'; readonly sampleThousandths: number }
  /** From now on real users tell more: replays are load on both systems. Never turns them on or up. */
  | { readonly kind: 'compare-fewer'; readonly mostThousandths: number }
  | { readonly kind: 'enable-features'; readonly features: readonly string[] }
  | { readonly kind: 'route-share' }
  | { readonly kind: 'start-state-migration' };

export interface Phase {
  readonly name: PhaseName;
  readonly title: string;
  readonly next: readonly PhaseName[];
  /** Where an automatic rollback ends; null where there is nothing to undo. */
  readonly undo: PhaseName | null;
  /** Whose state it is when a rollback has ended in this phase. */
  readonly authorityAfterUndo: 'flat' | 'as-it-is';
  readonly traffic: 'nobody' | 'share' | 'as-it-is' | 'everybody';
  readonly enter: readonly EntryAction[];
  readonly gates: readonly GateName[];
}

const servingGates = ['error-rate', 'latency-p99', 'health-checks', 'alarms'] as const;

export const phases: Readonly<Record<PhaseName, Phase>> = {
  none: {
    name: 'none',
    title: 'Not started',
    next: ['shadow'],
    undo: null,
    authorityAfterUndo: 'flat',
    traffic: 'nobody',
    enter: [],
    gates: [],
  },
  shadow: {
    name: 'shadow',
    title: 'Shadow mode',
    next: ['shadow', 'canary'],
    undo: 'none',
    authorityAfterUndo: 'flat',
    traffic: 'nobody',
    enter: [{ kind: 'checkpoint' }, { kind: 'compare-in-shadow', sampleThousandths: 100_000 }],
    gates: ['shadow-parity', 'health-checks', 'alarms'],
  },
  canary: {
    name: 'canary',
    title: 'Canary deployment',
    next: ['canary', 'state-migration'],
    undo: 'shadow',
    authorityAfterUndo: 'flat',
    traffic: 'share',
    enter: [
      { kind: 'checkpoint' },
      { kind: 'compare-fewer', mostThousandths: 10_000 },
      { kind: 'enable-features', features: ['hierarchical_neurons'] },
      { kind: 'route-share' },
    ],
    gates: servingGates,
  },
  'state-migration': {
    name: 'state-migration',
    title: 'State migration',
    next: ['state-migration', 'ramp-up'],
    undo: 'canary',
    authorityAfterUndo: 'as-it-is',
    traffic: 'as-it-is',
    enter: [
      { kind: 'checkpoint' },
      { kind: 'enable-features', features: ['state_migration', 'cognitive_layers'] },
      { kind: 'start-state-migration' },
    ],
    // The state gates come first: judging the traffic makes no sense before the state has moved.
    gates: ['state-moved', 'health-checks', 'alarms'],
  },
  'ramp-up': {
    name: 'ramp-up',
    title: 'Traffic ramp-up',
    next: ['ramp-up', 'full'],
    undo: 'canary',
    authorityAfterUndo: 'as-it-is',
    traffic: 'share',
    enter: [
      { kind: 'checkpoint' },
      { kind: 'enable-features', features: ['protocol_layer', 'substrate_layer'] },
      { kind: 'route-share' },
    ],
    gates: servingGates,
  },
  full: {
    name: 'full',
    title: 'Full migration',
    next: ['full', 'completed'],
    undo: 'canary',
    authorityAfterUndo: 'as-it-is',
    traffic: 'everybody',
    enter: [
      { kind: 'checkpoint' },
      { kind: 'enable-features', features: ['intelligence_layer'] },
      { kind: 'route-share' },
    ],
    gates: servingGates,
  },
  completed: {
    name: 'completed',
    title: 'Completed',
    next: [],
    undo: 'canary',
    authorityAfterUndo: 'as-it-is',
    traffic: 'everybody',
    enter: [],
    gates: [],
  },
};

export function isWorkingPhase(phase: PhaseName): phase is WorkingPhase {
  return (workingPhases as readonly PhaseName[]).includes(phase);
}

export function phaseOrder(phase: PhaseName): number {
  return phaseNames.indexOf(phase);
}

/** Other words that operators use for a phase. */
export const phaseAliases: Readonly<Record<string, PhaseName>> = {
  cutover: 'full',
  state: 'state-migration',
  rampup: 'ramp-up',
};
