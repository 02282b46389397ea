/** Exit codes are an interface that scripts rely on; `hal9-migrate help exit-codes` prints this table. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  partial: 3,
  unauthorized: 4,
  rolledBack: 5,
  gateFailed: 6,
  approvalPending: 7,
  timedOut: 8,
  conflict: 9,
  sourceRejected: 10,
  unavailable: 11,
  interrupted: 130,
} as const;

export type ExitCodeName = keyof typeof exitCodes;

/**
 * A fault that an operator can act on. Anything else that is thrown is a bug and keeps its stack.
 * `name` is a literal, since bundling renames classes and Step Functions matches errors by name.
 */
export class HalError extends Error {
  override readonly name: string;
  /** How the CLI ends. */
  readonly exit: ExitCodeName;
  /** What to do about it, as a sentence. */
  readonly remedy: string;
  /** The facts of the message, for `--json`. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(fault: {
    name: string;
    message: string;
    remedy: string;
    exit?: ExitCodeName;
    facts?: Readonly<Record<string, unknown>>;
    cause?: unknown;
  }) {
    super(fault.message, fault.cause === undefined ? undefined : { cause: fault.cause });
    this.name = fault.name;
    this.remedy = fault.remedy;
    this.exit = fault.exit ?? 'failed';
    this.facts = fault.facts ?? {};
  }
}
