import { HalError } from '../kernel/errors.ts';

/** What an operator may change while a migration runs; workers read it anew with every page. */
export interface MigrationSettings {
  /** Rows of one range. */
  readonly batchSize: number;
  /** Records per second of one worker; null is unlimited. */
  readonly rateLimitPerWorker: number | null;
  /** Workers that copy at once; null is as many as the deployment starts. */
  readonly parallelWorkers: number | null;
  /** Write units per second of all workers together; null is unlimited. */
  readonly writeUnitsPerSecond: number | null;
  /** `strict` stops the copy once more records are in quarantine than `quarantineLimit`; `lenient` goes on. */
  readonly validationMode: 'strict' | 'lenient';
  /** Records that may be in quarantine, over all categories, while a strict copy goes on. */
  readonly quarantineLimit: number;
  /** Workers take no range while the copy is stopped; the change log is carried in any case. */
  readonly copy: CopyStop;
  readonly reconciliation: {
    readonly intervalMs: number;
    readonly autoFix: boolean;
    /** Share of records, 0 to 1, from which on drift raises the alarm. */
    readonly alertThreshold: number;
  };
  readonly switchLimits: {
    /** Log entries of the category that the target may lack when a switch begins. */
    readonly relayLagEntries: number;
    /** Longest stall of writers: a drain that takes longer is given up. */
    readonly stallMs: number;
  };
  /** Dual write, reconciliation and audit are on, and what is not critical rests. */
  readonly migrationMode: {
    readonly enabled: boolean;
    readonly sinceMs: number;
    readonly by: string;
    /** Features that were on and are turned on again at the end. */
    readonly paused: readonly string[];
    /** Jobs that ask before they run and are told to wait. */
    readonly pausedJobs?: readonly string[];
  };
}

/** `by` and `reason` are those of the last stop or resumption. */
export interface CopyStop {
  readonly stopped: boolean;
  readonly by: string;
  readonly reason: string;
  readonly sinceMs: number;
}

export const defaultSettings: MigrationSettings = {
  batchSize: 1000,
  rateLimitPerWorker: null,
  parallelWorkers: null,
  writeUnitsPerSecond: null,
  validationMode: 'lenient',
  quarantineLimit: 0,
  copy: { stopped: false, by: '', reason: '', sinceMs: 0 },
  reconciliation: { intervalMs: 30_000, autoFix: true, alertThreshold: 0.01 },
  switchLimits: { relayLagEntries: 5_000, stallMs: 4_000 },
  migrationMode: { enabled: false, sinceMs: 0, by: '', paused: [] },
};

/** Absent members stay as they are. */
export type SettingsChange = Partial<Omit<MigrationSettings, 'reconciliation' | 'switchLimits'>> & {
  readonly reconciliation?: Partial<MigrationSettings['reconciliation']>;
  readonly switchLimits?: Partial<MigrationSettings['switchLimits']>;
};

/** Adapters: `lib/aws/settings-store.ts`, `lib/memory/settings-store.ts`. */
export interface SettingsStore {
  /** The defaults when nothing was ever changed. */
  read(): Promise<MigrationSettings>;
  /** Changes what is named, over whatever is there at that moment; returns the settings before and after. */
  change(change: SettingsChange): Promise<{ before: MigrationSettings; after: MigrationSettings }>;
}

/** Throws HalError `SettingOutOfRange` for a value that no worker could keep to. */
export function applyChange(settings: MigrationSettings, change: SettingsChange): MigrationSettings {
  const after = {
    ...settings,
    ...change,
    reconciliation: { ...settings.reconciliation, ...change.reconciliation },
    switchLimits: { ...settings.switchLimits, ...change.switchLimits },
  };
  for (const [name, value, least, most] of limitsOf(after)) {
    if (value !== null && !(value >= least && value <= most)) throw outOfRange(name, value, least, most);
  }
  return after;
}

/** A record of 400 KB takes 400 write units at once, and needs some room beside it. */
const leastWriteUnits = 1_000;

function limitsOf(settings: MigrationSettings): readonly [string, number | null, number, number][] {
  return [
    ['batch size', settings.batchSize, 1, 100_000],
    ['rate limit', settings.rateLimitPerWorker, 1, 1_000_000],
    ['parallel workers', settings.parallelWorkers, 1, 1_000],
    ['write units per second', settings.writeUnitsPerSecond, leastWriteUnits, 10_000_000],
    ['quarantine limit', settings.quarantineLimit, 0, 1_000_000_000],
    ['reconciliation interval (ms)', settings.reconciliation.intervalMs, 1_000, 86_400_000],
    ['alert threshold', settings.reconciliation.alertThreshold, 0, 1],
    ['relay lag limit (entries)', settings.switchLimits.relayLagEntries, 0, 1_000_000],
    ['stall limit (ms)', settings.switchLimits.stallMs, 100, 60_000],
  ];
}

function outOfRange(name: string, value: number, least: number, most: number): HalError {
  return new HalError({
    name: 'SettingOutOfRange',
    message: `The ${name} cannot be ${value}.`,
    remedy: `Give a number from ${least} to ${most}.`,
    exit: 'usage',
    facts: { name, value, least, most },
  });
}
