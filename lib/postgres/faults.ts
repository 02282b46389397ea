import { HalError } from '../kernel/errors.ts';

/** Beginning of every message with which a trigger of ours refuses a statement. */
export const refusalPrefix = 'hal9-migrate:';

/** SQLSTATE of a write to a category that is fenced here. */
export const fencedState = 'H9F01';

/** SQLSTATE of a key that cannot identify a record. */
export const keyState = 'H9F02';

/** SQLSTATE of a replication slot that no longer holds what was not read. */
export const slotLostState = 'H9F03';

interface ServerError extends Error {
  readonly code: string;
  readonly detail?: string;
  readonly table?: string;
}

/** Turns what PostgreSQL or the network reports into a fault that an operator can act on; others stay as they are. */
export function sourceFault(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof HalError) return error;
  const code = codeOf(error);
  for (const [isMeant, fault] of faults) {
    if (isMeant(code, error)) return fault(error, place, code);
  }
  return error;
}

export function isConnectionLost(error: unknown): boolean {
  return error instanceof HalError && error.name === 'SourceConnectionLost';
}

/** SQLSTATE of what the server reported, even when it is no fault of an operator. */
export function stateOf(error: unknown): string | null {
  if (error instanceof HalError) return stateOf(error.cause);
  return error instanceof Error && /^[0-9A-Z]{5}$/.test(codeOf(error)) ? codeOf(error) : null;
}

type Fault = (error: Error, place: string, code: string) => HalError;
type Test = (code: string, error: Error) => boolean;

const oneOf =
  (...codes: readonly string[]): Test =>
  (code) =>
    codes.includes(code);

const faults: readonly (readonly [Test, Fault])[] = [
  [
    oneOf('ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'),
    unreachable,
  ],
  [oneOf('57P03', '53300', '08001', '08004'), unreachable],
  [
    (_code, { message }) => /timeout exceeded when trying to connect|timeout expired/.test(message),
    unreachable,
  ],
  [oneOf('28P01', '28000'), accessDenied],
  [(_code, { message }) => /SASL|password must be a string|no pg_hba/.test(message), accessDenied],
  [oneOf('3D000', '3F000'), missing],
  [oneOf('57P01', '57P02', '57P05', '08000', '08003', '08006', 'ECONNRESET', 'EPIPE'), connectionLost],
  [
    (_code, { message }) => /Connection terminated|Client has encountered a connection error/.test(message),
    connectionLost,
  ],
  [oneOf('42501'), privilegeMissing],
  [oneOf('55P03', '40P01', '40001', '57014'), locked],
  [oneOf('25006'), readOnly],
  [oneOf('53100'), diskFull],
  [oneOf('XX001', 'XX002'), corrupt],
  [oneOf(fencedState), fenced],
  [oneOf(keyState), conflicting],
  [oneOf(slotLostState), slotLost],
  // What a constraint, a type or a trigger of the store's own says about the values of a row.
  [(code) => code.startsWith('23') || code.startsWith('22') || code === 'P0001', conflicting],
];

function codeOf(error: Error): string {
  const { code } = error as Partial<ServerError>;
  return typeof code === 'string' ? code : '';
}

function unreachable(error: Error, place: string, code: string): HalError {
  return new HalError({
    name: 'SourceUnreachable',
    message: `The flat store ${place} does not answer: ${error.message || code}.`,
    remedy: 'Check host, port, network and that the server takes connections, then run the command again.',
    exit: 'unavailable',
    facts: { place, code },
    cause: error,
  });
}

function accessDenied(error: Error, place: string, code: string): HalError {
  return new HalError({
    name: 'SourceAccessDenied',
    message: `The flat store ${place} refused the credentials: ${error.message}.`,
    remedy: 'Check user and password of the source (in AWS: its secret), and that pg_hba.conf lets them in.',
    exit: 'unauthorized',
    facts: { place, code },
    cause: error,
  });
}

function missing(error: Error, place: string, code: string): HalError {
  return new HalError({
    name: 'SourceMissing',
    message: `There is no flat store at ${place}: ${error.message}.`,
    remedy: 'Check the names of database and schema in the source.',
    exit: 'sourceRejected',
    facts: { place, code },
    cause: error,
  });
}

function connectionLost(error: Error, place: string, code: string): HalError {
  return new HalError({
    name: 'SourceConnectionLost',
    message: `The connection to the flat store ${place} was lost: ${error.message}.`,
    remedy: 'Run the command again; the work goes on where it stopped, and nothing was half written.',
    exit: 'unavailable',
    facts: { place, code },
    cause: error,
  });
}

function privilegeMissing(error: Error, place: string): HalError {
  return new HalError({
    name: 'SourcePrivilegeMissing',
    message: `The flat store ${place} does not allow it: ${error.message}.`,
    remedy: 'Grant what is missing; `hal9-migrate pre-check` names each statement to run.',
    exit: 'unauthorized',
    facts: { place },
    cause: error,
  });
}

function locked(error: Error, place: string, code: string): HalError {
  return new HalError({
    name: 'SourceLocked',
    message: `The flat store ${place} is held by another transaction: ${error.message}.`,
    remedy: 'End the long transaction (pg_stat_activity shows it), then run the command again.',
    exit: 'unavailable',
    facts: { place, code },
    cause: error,
  });
}

function readOnly(error: Error, place: string): HalError {
  return new HalError({
    name: 'SourceReadOnly',
    message: `The flat store ${place} cannot be written: ${error.message}.`,
    remedy: 'Connect to the primary: the change log lives in the database.',
    exit: 'sourceRejected',
    facts: { place },
    cause: error,
  });
}

function diskFull(error: Error, place: string): HalError {
  return new HalError({
    name: 'SourceDiskFull',
    message: `The flat store ${place} has no room to grow: ${error.message}.`,
    remedy: 'Free some space on its disk, then run the command again; nothing was half written.',
    exit: 'unavailable',
    facts: { place },
    cause: error,
  });
}

function corrupt(error: Error, place: string): HalError {
  return new HalError({
    name: 'SourceCorrupt',
    message: `The flat store ${place} is damaged: ${error.message}.`,
    remedy: 'Restore it from a backup; pg_amcheck tells what is damaged.',
    exit: 'sourceRejected',
    facts: { place },
    cause: error,
  });
}

function fenced(error: Error, place: string): HalError {
  return new HalError({
    name: 'CategoryFenced',
    message: `The flat store ${place} refused a write: ${error.message}.`,
    remedy: 'Write through the state gateway, which follows the authority.',
    exit: 'conflict',
    facts: { place },
    cause: error,
  });
}

function slotLost(error: Error, place: string): HalError {
  return new HalError({
    name: 'ReplicationSlotLost',
    message: `The flat store ${place} no longer keeps the changes that were not read yet: ${error.message}.`,
    remedy:
      'Prepare the source again (`hal9-migrate state migrate` does): every row is logged once more; then run `hal9-migrate reconcile --full --fix-mode auto`, which mends what was deleted meanwhile.',
    exit: 'conflict',
    facts: { place },
    cause: error,
  });
}

function conflicting(error: Error, place: string): HalError {
  const { detail } = error as Partial<ServerError>;
  return new HalError({
    name: 'RowConflict',
    message: `The flat store ${place} refused a row: ${error.message}${detail === undefined ? '' : ` (${detail})`}.`,
    remedy: 'Change the row so that it keeps the constraints of its table.',
    exit: 'conflict',
    facts: { place },
    cause: error,
  });
}
