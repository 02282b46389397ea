import { compareVersions } from '../../lib/migration/record.ts';
import type { Rules } from './rules.ts';
import { flatFollowing, flatOpen, type Limits, type Next, type State } from './state.ts';
import { absent, heldVersion, put } from './target.ts';

/** Writers of flat, the copy, repairs, and what may go wrong with the target. */
export function copyActions(state: State, limits: Limits, rules: Rules, next: Next): void {
  writeFlat(state, limits, rules, next);
  copy(state, limits, rules, next);
  repair(state, limits, rules, next);
  collect(state, rules, next);
}

function writeFlat(state: State, limits: Limits, rules: Rules, next: Next): void {
  if (state.writes >= limits.writes || (state.flatState !== flatOpen && rules.fencesFlat)) return;
  const logEnd = state.logEnd + 1;
  const writes = state.writes + 1;
  const change = { logEnd, keyEpoch: state.flatEpoch, keySequence: logEnd, writes };
  next(`flat writes ${writes}`, { ...change, flatValue: writes, latest: writes });
  if (state.flatValue !== 0) next('flat deletes', { ...change, flatValue: 0, latest: 0 });
  const otherEntries = state.otherEntries | (1 << logEnd);
  if (state.otherEntries === 0) next('flat writes another key', { logEnd, otherEntries, writes });
}

/** The key of the state has an entry in the log after `after`, up to `through`. */
export function isLogged(state: State, after: number, through: number): boolean {
  for (let at = after + 1; at <= through; at += 1) {
    if ((state.otherEntries & (1 << at)) === 0) return true;
  }
  return false;
}

function copy(state: State, limits: Limits, rules: Rules, next: Next): void {
  if (state.copyStep === 0 && state.flatState === flatOpen) {
    if (state.flatValue === 0) next('the copy finds no row', { copyStep: 2 });
    else {
      const known = state.keySequence > 0;
      const copyEpoch = known ? state.keyEpoch : state.flatEpoch;
      const copySequence = known ? state.keySequence : state.logEnd;
      next('the copy reads', { copyStep: 1, copyEpoch, copySequence, copyValue: state.flatValue });
    }
  }
  if (state.copyStep === 1) {
    next('the copy writes', { ...insert(state, rules, 'copy'), ...noCopy, copyStep: 2 });
    if (state.crashes < limits.crashes) {
      const crashes = state.crashes + 1;
      next('the copy crashes', { ...noCopy, copyStep: 0, crashes });
      const { copyEpoch: frozenEpoch, copySequence: frozenSequence, copyValue: frozenValue } = state;
      const frozen = { frozenEpoch, frozenSequence, frozenValue };
      if (state.frozenValue === 0) next('the copy freezes', { ...noCopy, ...frozen, copyStep: 0, crashes });
    }
  }
  if (state.frozenValue !== 0) {
    const frozen = { frozenEpoch: 0, frozenSequence: 0, frozenValue: 0 };
    next('a frozen copy writes', { ...insert(state, rules, 'frozen'), ...frozen });
  }
}

const noCopy = { copyEpoch: 0, copySequence: 0, copyValue: 0 };

function insert(state: State, rules: Rules, who: 'copy' | 'frozen'): Partial<State> {
  if (!rules.admitsInsert(heldVersion(state))) return {};
  const stamp = { epoch: state[`${who}Epoch`], sequence: state[`${who}Sequence`] };
  const late = { epoch: state.flatEpoch, sequence: state.logEnd };
  return put(rules, { ...(rules.stampsLow ? stamp : late), value: state[`${who}Value`] });
}

function repair(state: State, limits: Limits, rules: Rules, next: Next): void {
  if (state.repairStep === 0) beginRepair(state, limits, next);
  else if (state.repairStep === 1) readForRepair(state, next);
  else if (state.repairStep === 2) {
    const isElsewhere = state.flatState === flatFollowing || state.flatEpoch !== state.repairEpoch;
    if (isElsewhere && rules.asksAuthority) next('the repair finds authority elsewhere', noRepair);
    else next('the repair finds flat in authority', { repairStep: 3 });
  } else {
    next('the repair writes', { ...repaired(state, rules), ...noRepair });
    if (state.crashes < limits.crashes)
      next('the repair crashes', { ...noRepair, crashes: state.crashes + 1 });
  }
}

function beginRepair(state: State, limits: Limits, next: Next): void {
  if (state.repairs >= limits.repairs) return;
  const mayBeDamaged = state.held === 1 && state.flatState === flatOpen && state.repairs === 0;
  if (mayBeDamaged && state.damaged === 0) next('the record is damaged', { damaged: 1 });
  next('a repair reads the low watermark', {
    repairStep: 1,
    repairEpoch: state.flatEpoch,
    repairSequence: state.logEnd,
    repairs: state.repairs + 1,
  });
}

function readForRepair(state: State, next: Next): void {
  const known = { epoch: state.keyEpoch, sequence: state.keySequence };
  const isChanged = compareVersions(known, { epoch: state.repairEpoch, sequence: state.repairSequence }) > 0;
  if (isChanged) next('the repair leaves a changed key', noRepair);
  else next('the repair reads flat', { repairStep: 2, repairValue: state.flatValue });
}

function repaired(state: State, rules: Rules): Partial<State> {
  const { repairEpoch: epoch, repairSequence: sequence, repairValue: value } = state;
  if (value === 0 && rules.deletesExtrasBlindly) return absent;
  const admitted = rules.admitsRepair(heldVersion(state), { epoch, sequence });
  return admitted ? put(rules, { epoch, sequence, value }) : {};
}

const noRepair = { repairStep: 0, repairEpoch: 0, repairSequence: 0, repairValue: 0 };

function collect(state: State, rules: Rules, next: Next): void {
  if (rules.collects === 'never' || state.held !== 2) return;
  const isDrained =
    state.copyStep === 2 &&
    state.frozenValue === 0 &&
    state.repairStep === 0 &&
    state.relayStep === 0 &&
    state.cursor === state.logEnd &&
    state.batch0Through + state.batch1Through + state.message0Through + state.message1Through === 0;
  if (isDrained || rules.collects === 'any-time') next('the tombstone is collected', absent);
}
