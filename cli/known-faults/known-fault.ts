import type { ExitCodeName } from '../../lib/kernel/errors.ts';

/** What the CLI says of a fault whose name alone reached it. */
interface KnownFault {
  readonly exit: ExitCodeName;
  readonly remedy: string;
}

export type KnownFaults = Readonly<Record<string, KnownFault>>;
