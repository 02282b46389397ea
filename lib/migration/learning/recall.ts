/** What a system knows and does with one pattern or one gradient; `null` where its payload is none. */
export type Recall = Readonly<Record<string, unknown>> | null;

export const learningKinds = ['pattern', 'gradient'] as const;

export type LearningKind = (typeof learningKinds)[number];

/** Share of its magnitude that a gradient keeps at each step upstream, and how many steps there are at most. */
const keptShare = 0.9;
const mostSteps = 3;

/** How much an error counts where the gradient itself does not say. */
const errorWeights: Readonly<Record<string, number>> = {
  TaskFailed: 0.8,
  IncorrectOutput: 0.7,
  Timeout: 0.5,
  ResourceExhausted: 0.6,
  LowQuality: 0.6,
  UserRejection: 0.9,
  ToolExecutionFailed: 0.4,
  CommunicationError: 0.5,
};

/** What the system answers with when it is asked about the pattern or the gradient. */
export function recall(kind: LearningKind, payload: unknown): Recall {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return null;
  const members = payload as Readonly<Record<string, unknown>>;
  return kind === 'pattern' ? recognise(members) : propagate(members);
}

/** An error of this signature is recognised with a confidence that grows with occurrences and mitigations. */
function recognise(pattern: Readonly<Record<string, unknown>>): Recall {
  const occurrences = lengthOf(pattern['occurrences']);
  const mitigations = lengthOf(pattern['successful_mitigations']);
  return {
    signature: pattern['error_signature'] ?? null,
    confidence: Math.min(occurrences / 10, 0.5) + Math.min(mitigations / 5, 0.5),
    stored: pattern['confidence'] ?? null,
    prevention: pattern['prevention_strategy'] ?? null,
  };
}

/** The magnitudes with which the gradient arrives upstream, step by step. */
function propagate(gradient: Readonly<Record<string, unknown>>): Recall {
  const type = typeOf(gradient['error_type']);
  const given = gradient['magnitude'];
  const magnitude = typeof given === 'number' ? given : (errorWeights[type ?? ''] ?? null);
  const depth = Number(gradient['propagation_depth'] ?? 0);
  if (magnitude === null || !Number.isFinite(magnitude) || !Number.isInteger(depth)) return null;
  const steps: number[] = [];
  for (let at = depth + 1; at <= mostSteps; at += 1) steps.push((steps.at(-1) ?? magnitude) * keptShare);
  return { type, magnitude, depth, inRange: magnitude >= 0 && magnitude <= 1, steps };
}

/** Tagged, or by its name alone. */
function typeOf(error: unknown): string | null {
  const type = typeof error === 'object' && error !== null ? (error as { type?: unknown }).type : error;
  return typeof type === 'string' ? type : null;
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
