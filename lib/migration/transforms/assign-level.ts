/** Cognitive levels of a unit. */
const levels = ['L1Reflexive', 'L2Implementation', 'L3Operational', 'L4Tactical', 'L5Strategic'] as const;

export type Level = (typeof levels)[number];

const levelPolicies = ['engine-v1', 'response-bands', 'characteristics'] as const;

export type LevelPolicy = (typeof levelPolicies)[number];

export interface LevelInputs {
  /** What an operator wrote into the unit's settings; outranks every rule. */
  readonly targetLevel?: string | null;
  readonly neuronType: string;
  readonly responseTimeMs: number;
  readonly connectionCount: number;
  readonly characteristics?: Characteristics;
}

/** What the settings of a unit say about it; what they do not say counts as 0. */
export interface Characteristics {
  /** 0 to 1. */
  readonly complexity: number;
  /** 0 to 1. */
  readonly abstraction: number;
  /** Seconds. */
  readonly planningHorizonS: number;
}

export interface LevelAssignment {
  readonly level: Level;
  readonly policy: LevelPolicy;
  readonly rule:
    | 'target-level'
    | 'neuron-type'
    | 'response-time'
    | 'connection-count'
    | 'complexity'
    | 'abstraction'
    | 'planning-horizon';
}

export function assignLevel(inputs: LevelInputs, policy: LevelPolicy = 'engine-v1'): LevelAssignment {
  const wanted = levelNamed(inputs.targetLevel ?? '');
  if (wanted !== undefined) return { level: wanted, policy, rule: 'target-level' };
  return levelBy[policy](inputs);
}

/**
 * Steps between the level that a declared flat layer leads to and the assigned one. Flat systems had no fifth layer:
 * moving them raises a declared L4 to level 5, L3 to 4, L2 to 3. null when there is nothing to compare.
 */
export function declaredLevelDistance(declaredLayer: string | null, level: Level): number | null {
  const declared = /^L([1-4])/i.exec((declaredLayer ?? '').trim())?.[1];
  if (declared === undefined || declared === '1') return null;
  return Math.abs(Number(declared) - levels.indexOf(level));
}

export interface DeclaredLevelAssignment {
  readonly level: Level;
  readonly policy: 'declared-layer';
  readonly rule: 'target-level' | 'declared-layer' | 'unknown-layer';
}

/** For stores that know of a unit only its layer: moving them raises L2 to L4 by one; L1 stays. */
export function assignDeclaredLevel(inputs: {
  readonly targetLevel: string | null;
  readonly declaredLayer: string | null;
}): DeclaredLevelAssignment {
  const policy = 'declared-layer';
  const wanted = levelNamed(inputs.targetLevel ?? '');
  if (wanted !== undefined) return { level: wanted, policy, rule: 'target-level' };
  const declared = Number(/^L([1-4])/i.exec((inputs.declaredLayer ?? '').trim())?.[1] ?? 0);
  const level = levels[declared === 1 ? 0 : declared];
  if (declared === 0 || level === undefined) return { level: 'L3Operational', policy, rule: 'unknown-layer' };
  return { level, policy, rule: 'declared-layer' };
}

const levelOfType: ReadonlyMap<string, Level> = new Map([
  ...typesOf('L1Reflexive', ['reflex', 'reactive', 'reflexive']),
  ...typesOf('L2Implementation', ['executor', 'implementer', 'implementation']),
  ...typesOf('L3Operational', ['coordinator', 'manager', 'operational']),
  ...typesOf('L4Tactical', ['planner', 'strategist', 'tactical']),
  ...typesOf('L5Strategic', ['visionary', 'architect', 'strategic']),
]);

function engineLevel({ neuronType, responseTimeMs, connectionCount }: LevelInputs): LevelAssignment {
  const policy = 'engine-v1';
  const typed = levelOfType.get(neuronType.trim().toLowerCase());
  if (typed !== undefined) return { level: typed, policy, rule: 'neuron-type' };
  if (responseTimeMs < 10) return { level: 'L1Reflexive', policy, rule: 'response-time' };
  if (responseTimeMs < 200) return { level: 'L2Implementation', policy, rule: 'response-time' };
  const level = connectionCount > 10 ? 'L4Tactical' : 'L3Operational';
  return { level, policy, rule: 'connection-count' };
}

const bands: readonly (readonly [upToMs: number, level: Level])[] = [
  [10, 'L1Reflexive'],
  [200, 'L2Implementation'],
  [500, 'L3Operational'],
  [1000, 'L4Tactical'],
];

function bandLevel({ responseTimeMs }: LevelInputs): LevelAssignment {
  const band = bands.find(([upToMs]) => responseTimeMs <= upToMs);
  return { level: band?.[1] ?? 'L5Strategic', policy: 'response-bands', rule: 'response-time' };
}

function characteristicLevel({ responseTimeMs, characteristics }: LevelInputs): LevelAssignment {
  const { complexity, abstraction, planningHorizonS } = characteristics ?? noCharacteristics;
  const policy = 'characteristics';
  if (responseTimeMs < 10) return { level: 'L1Reflexive', policy, rule: 'response-time' };
  if (complexity < 0.3) return { level: 'L2Implementation', policy, rule: 'complexity' };
  if (abstraction < 0.5) return { level: 'L3Operational', policy, rule: 'abstraction' };
  const level = planningHorizonS < 60 ? 'L4Tactical' : 'L5Strategic';
  return { level, policy, rule: 'planning-horizon' };
}

const noCharacteristics: Characteristics = { complexity: 0, abstraction: 0, planningHorizonS: 0 };

const levelBy: Readonly<Record<LevelPolicy, (inputs: LevelInputs) => LevelAssignment>> = {
  'engine-v1': engineLevel,
  'response-bands': bandLevel,
  characteristics: characteristicLevel,
};

function levelNamed(name: string): Level | undefined {
  const wanted = name.trim().toLowerCase();
  if (wanted === '') return undefined;
  return levels.find((level) => {
    const lower = level.toLowerCase();
    return lower === wanted || lower.slice(0, 2) === wanted || lower.slice(2) === wanted;
  });
}

function typesOf(level: Level, types: readonly string[]): [string, Level][] {
  return types.map((type) => [type, level]);
}
