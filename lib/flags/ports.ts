import type { FlagsDocument } from './document.ts';
import type { FlagsEdit } from './edit.ts';

/** The flags in force, with what a writer needs to change exactly these and no others. */
export interface DeployedFlags {
  readonly document: FlagsDocument;
  /** AppConfig's version number of the document. */
  readonly version: number;
  readonly deploymentNumber: number;
}

export interface FlagWrite {
  readonly edit: FlagsEdit;
  /** The write is refused when the flags in force have another routing epoch. Left out: any. */
  readonly expectedRoutingEpoch?: number;
  /** Stops a deployment that is under way instead of waiting for it; for rollbacks. */
  readonly urgent?: boolean;
}

export type FlagWriteOutcome =
  /** In force now. */
  | { readonly kind: 'deployed'; readonly flags: DeployedFlags }
  /** The edit changes nothing but the stamp; nothing was written. */
  | { readonly kind: 'unchanged'; readonly flags: DeployedFlags }
  /** Somebody rolled back (or released a rollback) since the writer looked. */
  | { readonly kind: 'epoch-moved'; readonly routingEpoch: number }
  /** AppConfig took the deployment back: a monitor's alarm or an operator. */
  | { readonly kind: 'rolled-back'; readonly deploymentNumber: number }
  /** Not in force within the time allowed; it may still come into force later. */
  | { readonly kind: 'timed-out'; readonly waitedMs: number };

/** The flags' control plane: one writer at a time wins, the others see why they did not. */
export interface FlagStore {
  /** Throws a HalError `FlagsMissing` when nothing was ever deployed, `FlagsInvalid` when it cannot be read. */
  readFlags(): Promise<DeployedFlags>;
  writeFlags(write: FlagWrite): Promise<FlagWriteOutcome>;
}

/** The flags' data plane: what consumers get. */
export interface FlagReader {
  /** The last good copy, refreshed when it is too old; null when there never was one. Never throws. */
  read(): Promise<FlagsDocument | null>;
}
