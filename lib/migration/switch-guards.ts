import { HalError } from '../kernel/errors.ts';
import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';
import { isGraph } from './neurons/graph-tables.ts';
import { isPublished, type LayerManifestStore } from './neurons/layer-manifest.ts';
import type { FlatSource, RelayStore } from './ports.ts';
import type { ProveReverseDeps } from './reverse-canary.ts';
import type { SettingsStore } from './settings.ts';
import { layers } from './transforms/assign-layer.ts';

/** What has to hold before flat gives a category away; the way back to flat is never held up by any of it. */
export interface SwitchGuards extends Omit<ProveReverseDeps, 'clock'> {
  readonly settings: SettingsStore;
  readonly layers: Pick<LayerManifestStore, 'read'>;
}

interface RelayLag {
  /** Log entries of the category that the target may lack; counted up to a little beyond the limit. */
  readonly entries: number;
  /** Age of the oldest of them that was relayed and is not known to be applied. */
  readonly oldestMs: number | null;
}

/** The sequence is common to all categories, so the distance to its end only bounds what has to be counted. */
async function measureRelayLag(
  deps: { readonly source: FlatSource; readonly relay: RelayStore },
  category: Category,
  at: { readonly nowMs: number; readonly countUpTo: number },
): Promise<RelayLag> {
  const cursor = await deps.relay.cursor(category);
  const [oldest] = await deps.relay.pending(category, 1);
  const appliedThrough = oldest === undefined ? cursor : Math.min(cursor, oldest.afterSequence);
  const { sequence } = await deps.source.lowWatermark(category);
  const oldestMs = oldest === undefined ? null : Math.max(0, at.nowMs - oldest.sentAtMs);
  if (sequence - appliedThrough <= at.countUpTo) return { entries: sequence - appliedThrough, oldestMs };
  const { entryCount } = await deps.source.readChanges(category, appliedThrough, at.countUpTo + 1);
  return { entries: entryCount, oldestMs };
}

/** Refuses with HalError `RelayLagTooHigh`. */
export async function requireSmallLag(
  deps: { readonly source: FlatSource; readonly relay: RelayStore },
  category: Category,
  at: { readonly nowMs: number; readonly limit: number },
): Promise<void> {
  const lag = await measureRelayLag(deps, category, { nowMs: at.nowMs, countUpTo: at.limit });
  if (lag.entries <= at.limit) return;
  const age = lag.oldestMs === null ? '' : `, the oldest for ${Math.round(lag.oldestMs / 1000)} s`;
  throw new HalError({
    name: 'RelayLagTooHigh',
    message: `${category} cannot change authority: more than ${at.limit} log entries are not known to be applied${age}`,
    remedy:
      'wait until `state progress` shows less lag, or raise the limit with `configure state-migration --lag-limit`',
    exit: 'gateFailed',
    facts: { category, limit: at.limit, ...lag },
  });
}

/**
 * The hierarchical system shows edges of published layers only: a graph that changed hands before would lose those of
 * the others. Refuses with HalError `LayersNotPublished`.
 */
export async function requireLayers(
  { layers: manifests }: Pick<SwitchGuards, 'layers'>,
  definition: MigrationDefinition,
  category: Category,
): Promise<void> {
  if (!isGraph(definition, category)) return;
  const published = await manifests.read();
  const missing = layers.filter((layer) => !isPublished(published, layer));
  if (missing.length === 0) return;
  throw new HalError({
    name: 'LayersNotPublished',
    message: `${category} cannot change authority: not published are the layers ${missing.join(', ')}`,
    remedy:
      'run `neurons verify`: it publishes the layers that are sound and names what is wrong in the others',
    exit: 'conflict',
    facts: { category, missing },
  });
}

/** The stall of writers: from the fence to the moment the new side takes writes. */
export interface StallLimit {
  /** Throws HalError `SwitchStalled` when writers have waited too long. */
  check(): void;
}

export const noStallLimit: StallLimit = { check: () => undefined };

export function stallLimit(
  category: Category,
  stall: { readonly limitMs: number; waitedMs(): number },
): StallLimit {
  return {
    check() {
      const waitedMs = stall.waitedMs();
      if (waitedMs <= stall.limitMs) return;
      throw new HalError({
        name: 'SwitchStalled',
        message: `the switch of ${category} was given up: writers had waited ${waitedMs} ms, and ${stall.limitMs} ms is the limit`,
        remedy:
          'nothing was lost and the old side takes writes again; repeat the switch when there is less to apply',
        exit: 'gateFailed',
        facts: { category, waitedMs, limitMs: stall.limitMs },
      });
    },
  };
}
