import { stripVTControlCharacters, styleText } from 'node:util';

import { exitCodes, HalError } from '../../lib/kernel/errors.ts';

/** Version of every JSON document that the CLI prints. */
export const apiVersion = 'hal9-migrate/v1';

export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'strong';

const tones: Readonly<Record<Tone, Parameters<typeof styleText>[0]>> = {
  good: 'green',
  warn: 'yellow',
  bad: 'red',
  dim: 'dim',
  strong: 'bold',
};

/** Marks text; the streams drop the colours where nobody looks. */
export function paint(tone: Tone, text: string): string {
  return styleText(tones[tone], text, { validateStream: false });
}

/** Data. The only thing that ever goes to stdout. */
export function printData(text: string): void {
  write(process.stdout, text);
}

/** One JSON document. `content` names its parts; the version and the kind are the document's own. */
export function printDocument(
  kind: string,
  content: { readonly kind?: never; readonly [part: string]: unknown },
): void {
  process.stdout.write(`${JSON.stringify({ apiVersion, kind, ...content }, jsonValue, 2)}\n`);
}

/** Everything that is not data: progress, notes, errors. */
export function note(text: string): void {
  write(process.stderr, text);
}

function write(stream: NodeJS.WriteStream, text: string): void {
  stream.write(`${isColoured(stream) ? text : stripVTControlCharacters(text)}\n`);
}

/** `styleText` knows NO_COLOR, FORCE_COLOR and whether the stream is a terminal. */
function isColoured(stream: NodeJS.WriteStream): boolean {
  return styleText('bold', 'x', { stream }) !== 'x';
}

/** The last line of a command for people: what to do next. */
export function nextStep(text: string): void {
  note(`${paint('dim', 'Next:')} ${text}`);
}

/** Says what failed, why and what to do, and returns the exit code. */
export function reportFailure(error: unknown, json: boolean): number {
  const fault = toFault(error);
  if (json) printDocument('Error', { error: fault });
  note(`${paint('bad', 'Error:')} ${fault.message}`);
  if (fault.remedy !== '') note(`${paint('dim', 'Remedy:')} ${fault.remedy}`);
  if (!(error instanceof HalError) && error instanceof Error && error.stack !== undefined) {
    note(paint('dim', error.stack));
  }
  return fault.exitCode;
}

interface Fault {
  readonly name: string;
  readonly message: string;
  readonly remedy: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly exitCode: number;
}

function toFault(error: unknown): Fault {
  if (error instanceof HalError) {
    const { name, message, remedy, facts } = error;
    return { name, message, remedy, facts, exitCode: exitCodes[error.exit] };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { name: 'Unexpected', message, remedy: '', facts: {}, exitCode: exitCodes.failed };
}

function jsonValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
