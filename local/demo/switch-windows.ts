import type { RecordOrigin } from '../../lib/migration/record.ts';
import type { StateDescription } from '../../lib/migration/state-description.ts';
import { noteWindow, type DemoStage } from './demo-stage.ts';

/** Counts the writes between the first fence and the last opening of a switch of all categories that has just ended. */
export async function noteSwitch(stage: DemoStage, to: RecordOrigin): Promise<void> {
  const { categories } = (await stage.control.invoker.invoke('describe-state', {})) as StateDescription;
  const switches = categories.flatMap(({ switch: last }) => (last?.to === to ? [last] : []));
  const fenced = switches.flatMap(({ fencedAtMs }) => fencedAtMs ?? []);
  const opened = switches.flatMap(({ openedAtMs }) => openedAtMs ?? []);
  if (fenced.length === 0 || opened.length === 0) return;
  const window = noteWindow(stage, `switch to ${to}`, Math.min(...fenced), Math.max(...opened));
  stage.say(
    `The state of ${switches.length} categories moved to ${to} while ${window.acknowledgedWrites} writes were acknowledged`,
  );
}
