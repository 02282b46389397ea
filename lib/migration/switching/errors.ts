import { HalError } from '../../kernel/errors.ts';
import type { SwitchRecord } from '../ports.ts';

export function underWay(record: SwitchRecord): HalError {
  return new HalError({
    name: 'SwitchUnderWay',
    message: `${record.category} is being switched to ${record.to} (stage ${record.stage})`,
    remedy: 'let it finish by repeating that switch, or abort it',
    exit: 'conflict',
    facts: { ...record },
  });
}

export function tooFar(record: SwitchRecord): HalError {
  return new HalError({
    name: 'SwitchTooFar',
    message: `${record.category} is already being opened on the ${record.to} side`,
    remedy: 'let the switch finish by repeating it, then switch back',
    exit: 'conflict',
    facts: { ...record },
  });
}

export function conflict(record: SwitchRecord, reason: string): HalError {
  return new HalError({
    name: 'AuthorityConflict',
    message: `the switch of ${record.category} to ${record.to} at epoch ${record.epoch} stopped: ${reason}`,
    remedy: 'look at `state status`, then repeat the switch if it is still wanted',
    exit: 'conflict',
    facts: { ...record },
  });
}
