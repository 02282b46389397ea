import type { AuditLog } from '../../audit/ports.ts';
import type { FlagsDocument } from '../../flags/document.ts';
import { combineEdits, setFeature } from '../../flags/edit.ts';
import { findFeature } from '../../flags/feature-registry.ts';
import type { FlagStore } from '../../flags/ports.ts';
import type { Clock } from '../../kernel/clock.ts';
import { HalError } from '../../kernel/errors.ts';
import type { Category } from '../../migration/category.ts';
import type { MigrationSettings } from '../../migration/settings.ts';
import type { StateDescription } from '../../migration/state-description.ts';
import { writeModeOf } from '../../migration/write-mode.ts';
import type { FunctionInvoker } from '../function-invoker.ts';
import { isForLayers, publishLayers } from '../publish-layers.ts';

export interface ChangeModeDeps {
  readonly invoker: FunctionInvoker;
  readonly flags: FlagStore;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** From the deploy file. */
  readonly nonCriticalFeatures: readonly string[];
  /** Of the flat system, from the migration file. */
  readonly nonCriticalJobs: readonly string[];
}

interface By {
  readonly by: string;
}

/** Change log and relay on, reconciliation due, what is not critical paused; repeated, it changes nothing. */
export async function enableMigrationMode(deps: ChangeModeDeps, { by }: By): Promise<MigrationSettings> {
  await deps.invoker.invoke('prepare-source', { action: 'install' });
  const { settings } = await describe(deps);
  if (settings.migrationMode.enabled) return settings;
  const paused = await pauseFeatures(deps, by);
  return await setMode(deps, { enabled: true, by, paused, pausedJobs: deps.nonCriticalJobs });
}

/** Resumes what was paused. The change log stays: a category that was copied is kept current until it is removed. */
export async function disableMigrationMode(deps: ChangeModeDeps, { by }: By): Promise<MigrationSettings> {
  const { settings } = await describe(deps);
  if (!settings.migrationMode.enabled) return settings;
  await turnFeatures(deps, settings.migrationMode.paused, true, by);
  return await setMode(deps, { enabled: false, by, paused: [], pausedJobs: [] });
}

/** Moves the authority over every category that is not there yet; the first refusal ends it, and names what moved. */
export async function moveAuthority(
  deps: ChangeModeDeps,
  request: By & { readonly to: 'flat' | 'hierarchical'; readonly categories: readonly Category[] | null },
): Promise<readonly Category[]> {
  const { categories, settings } = await describe(deps);
  const wanted = request.to === 'flat' ? 'hierarchical-only' : 'dual-write';
  const chosen = categories
    .filter(({ category }) => request.categories === null || request.categories.includes(category))
    .filter((status) => [wanted, 'switching'].includes(writeModeOf(status, settings.migrationMode)));
  const moved: Category[] = [];
  for (const { category } of chosen) {
    const { to, by } = request;
    await switchCategory(deps, { category, to, action: 'switch', requestedBy: by });
    moved.push(category);
    await note(deps, by, 'move-authority', { category, to });
  }
  return moved;
}

/** Publishes the layers of the neurons first where they are not. Throws HalError `LayersUnsound`. */
async function switchCategory({ invoker }: ChangeModeDeps, request: object): Promise<void> {
  try {
    await invoker.invoke('switch-authority', request);
  } catch (fault) {
    if (!isForLayers(fault)) throw fault;
    await publishLayers(invoker);
    await invoker.invoke('switch-authority', request);
  }
}

/** Refuses to take authority back without being told so expressly. Throws HalError `AuthorityMoved`. */
export async function requireFlatAuthority(deps: ChangeModeDeps): Promise<void> {
  const { categories } = await describe(deps);
  const moved = categories
    .filter(({ authority }) => authority.state === 'following')
    .map(({ category }) => category);
  if (moved.length === 0) return;
  throw new HalError({
    name: 'AuthorityMoved',
    message: `The hierarchical side has authority over ${moved.join(', ')}.`,
    remedy: 'Add --force to give the authority back to flat; the reverse path has kept it current.',
    exit: 'conflict',
    facts: { categories: moved },
  });
}

async function describe({ invoker }: ChangeModeDeps): Promise<StateDescription> {
  return (await invoker.invoke('describe-state', {})) as StateDescription;
}

async function setMode(
  deps: ChangeModeDeps,
  mode: {
    readonly enabled: boolean;
    readonly by: string;
    readonly paused: readonly string[];
    readonly pausedJobs: readonly string[];
  },
): Promise<MigrationSettings> {
  const change = { migrationMode: { ...mode, sinceMs: deps.clock.nowMs() } };
  const { after } = (await deps.invoker.invoke('plan-batches', { action: 'configure', change })) as {
    after: MigrationSettings;
  };
  const action = mode.enabled ? 'enable-migration-mode' : 'disable-migration-mode';
  await note(deps, mode.by, action, { paused: mode.paused, pausedJobs: mode.pausedJobs });
  return after;
}

/** Those of the declared features that were on. */
async function pauseFeatures(deps: ChangeModeDeps, by: string): Promise<readonly string[]> {
  const names = deps.nonCriticalFeatures.map((name) => findFeature(name).name);
  if (names.length === 0) return [];
  const { document } = await deps.flags.readFlags();
  const on = names.filter((name) => isOn(document, name));
  await turnFeatures(deps, on, false, by);
  return on;
}

function isOn(document: FlagsDocument, name: string): boolean {
  return document.features[name]?.enabled === true;
}

async function turnFeatures(
  deps: ChangeModeDeps,
  names: readonly string[],
  enabled: boolean,
  by: string,
): Promise<void> {
  if (names.length === 0) return;
  const { document } = await deps.flags.readFlags();
  const stamp = {
    updatedBy: by,
    atMs: deps.clock.nowMs(),
    reason: `migration mode ${enabled ? 'off' : 'on'}`,
  };
  const edits = names.map((name) => {
    const thousandths = document.features[name]?.thousandths;
    return setFeature(name, { enabled, ...(thousandths === undefined ? {} : { thousandths }) }, stamp);
  });
  await deps.flags.writeFlags({ edit: combineEdits(...edits) });
}

async function note(
  { audit, clock }: ChangeModeDeps,
  by: string,
  action: string,
  facts: Readonly<Record<string, unknown>>,
): Promise<void> {
  await audit.append({ atMs: clock.nowMs(), principal: `operator:${by}`, action, facts });
}
