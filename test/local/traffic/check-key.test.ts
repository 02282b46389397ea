import { describe, expect, test } from 'vitest';

import { checkKey } from '../../../local/traffic/check-key.ts';
import type { KeyHistory, Observed, ReadOperation, WriteOperation } from '../../../local/traffic/history.ts';

function write(value: Observed, invokedAt: number, acknowledgedAt: number): WriteOperation {
  return { id: invokedAt, user: 'u1', value, invokedAt, acknowledgedAt };
}

function read(value: Observed, invokedAt: number, endedAt: number): ReadOperation {
  return { id: invokedAt, user: 'u2', value, invokedAt, endedAt };
}

function history(parts: Partial<KeyHistory>): KeyHistory {
  return { key: 'session/a', initial: null, writes: [], reads: [], ...parts };
}

function kinds(subject: KeyHistory, final?: Observed): readonly string[] {
  return checkKey(subject, final === undefined ? undefined : { value: final }).map(({ kind }) => kind);
}

const unknown = Infinity;

describe('final state', () => {
  test('a key that holds its last acknowledged write is in order', () => {
    const subject = history({ writes: [write('a', 1, 2), write('b', 3, 4)] });

    expect(kinds(subject, 'b')).toEqual([]);
  });

  test('an older value, or nothing, is one lost write, whatever was superseded before', () => {
    const subject = history({ initial: '=old', writes: [write('a', 1, 2), write('b', 3, 4)] });

    expect(kinds(subject, 'a')).toEqual(['lost-write']);
    expect(kinds(subject, '=old')).toEqual(['lost-write']);
    expect(kinds(subject, null)).toEqual(['lost-write']);
    expect(checkKey(subject, { value: 'a' })[0]?.missing?.value).toBe('b');
  });

  test('a value that nobody wrote means that the last write is lost', () => {
    expect(kinds(history({ writes: [write('a', 1, 2)] }), '=strange')).toEqual(['lost-write']);
    expect(kinds(history({ initial: '=old', reads: [read('=old', 1, 2)] }), '=strange')).toEqual([
      'unexplained-read',
    ]);
  });

  test('a row that was only read must still be there', () => {
    const subject = history({ initial: '=old', reads: [read('=old', 1, 2)] });

    expect(kinds(subject, '=old')).toEqual([]);
    expect(kinds(subject, null)).toEqual(['lost-write']);
  });

  test('a write with an unknown outcome may or may not be there', () => {
    const subject = history({ writes: [write('a', 1, 2), write('b', 3, unknown)] });

    expect(kinds(subject, 'a')).toEqual([]);
    expect(kinds(subject, 'b')).toEqual([]);
  });

  test('a write with an unknown outcome may take effect after a later acknowledged one', () => {
    const subject = history({ writes: [write('a', 1, unknown), write('b', 3, 4)] });

    expect(kinds(subject, 'a')).toEqual([]);
    expect(kinds(subject, 'b')).toEqual([]);
    expect(kinds(subject, null)).toEqual(['lost-write']);
  });

  test('a write with an unknown outcome that a read returned is lost when the state before it is back', () => {
    const subject = history({
      writes: [write('a', 1, 2), write('b', 3, unknown)],
      reads: [read('b', 5, 6)],
    });

    expect(kinds(subject, 'a')).toEqual(['lost-write']);
  });

  test('of two writes at the same time either may be the last', () => {
    const subject = history({ writes: [write('a', 1, 4), write('b', 2, 3)] });

    expect(kinds(subject, 'a')).toEqual([]);
    expect(kinds(subject, 'b')).toEqual([]);
    expect(kinds(subject, null)).toEqual(['lost-write', 'lost-write']);
  });

  test('a deleted row that is back is a resurrection', () => {
    const subject = history({ initial: '=old', writes: [write('a', 1, 2), write(null, 3, 4)] });

    expect(kinds(subject, null)).toEqual([]);
    expect(kinds(subject, 'a')).toEqual(['resurrection']);
    expect(kinds(subject, '=old')).toEqual(['resurrection']);
  });

  test('a re-insert makes a deleted key live again, and a lost one is a lost write', () => {
    const subject = history({ writes: [write('a', 1, 2), write(null, 3, 4), write('b', 5, 6)] });

    expect(kinds(subject, 'b')).toEqual([]);
    expect(kinds(subject, null)).toEqual(['lost-write']);
    expect(kinds(subject, 'a')).toEqual(['lost-write']);
  });

  test('an old value after a delete is a lost write while an unknown re-insert may have come later', () => {
    const subject = history({ writes: [write('a', 1, 2), write(null, 3, 4), write('b', 5, unknown)] });

    expect(kinds(subject, null)).toEqual([]);
    expect(kinds(subject, 'b')).toEqual([]);
    expect(kinds(subject, 'a')).toEqual(['lost-write']);
  });
});

describe('reads', () => {
  test('a read at the same time as a write may return either state', () => {
    const subject = history({
      initial: '=old',
      writes: [write('a', 2, 9)],
      reads: [read('=old', 3, 5), read('a', 4, 6)],
    });

    expect(kinds(subject)).toEqual([]);
  });

  test('a read sent at the very time of the acknowledgement counts as concurrent', () => {
    const subject = history({ initial: '=old', writes: [write('a', 1, 2)], reads: [read('=old', 2, 3)] });

    expect(kinds(subject)).toEqual([]);
  });

  test('a read sent after the acknowledgement that returns the state before is stale', () => {
    const subject = history({
      initial: '=old',
      writes: [write('a', 1, 2), write('b', 3, 4)],
      reads: [read('=old', 5, 6), read('a', 7, 8), read(null, 9, 10), read('b', 11, 12)],
    });

    expect(kinds(subject)).toEqual(['stale-read', 'stale-read', 'stale-read']);
  });

  test('a read of a state that is being replaced is in order until the replacement is acknowledged', () => {
    const subject = history({
      writes: [write('a', 1, 2), write('b', 4, 9)],
      reads: [read('a', 5, 6), read('a', 7, 8), read('a', 10, 11)],
    });

    expect(kinds(subject)).toEqual(['stale-read']);
  });

  test('what one user has read, another does not read as older later', () => {
    const subject = history({
      writes: [write('a', 1, 2), write('b', 3, 20)],
      reads: [read('b', 4, 5), read('a', 6, 7)],
    });

    expect(kinds(subject)).toEqual(['stale-read']);
  });

  test('a write with an unknown outcome may show up late, but once read it can be superseded', () => {
    const late = history({
      writes: [write('a', 1, unknown), write('b', 3, 4)],
      reads: [read('b', 5, 6), read('a', 7, 8)],
    });
    const superseded = history({
      writes: [write('a', 1, unknown), write('b', 5, 6)],
      reads: [read('a', 3, 4), read('a', 7, 8)],
    });

    expect(kinds(late)).toEqual([]);
    expect(kinds(superseded)).toEqual(['stale-read']);
  });

  test('a row read after its acknowledged delete is a resurrection, before it is not', () => {
    const subject = history({
      writes: [write('a', 1, 2), write(null, 4, 6)],
      reads: [read('a', 5, 7), read(null, 8, 9), read('a', 10, 11)],
    });

    expect(kinds(subject)).toEqual(['resurrection']);
  });

  test('after a re-insert, the value before the delete is stale and absence is stale', () => {
    const subject = history({
      writes: [write('a', 1, 2), write(null, 3, 4), write('b', 5, 6)],
      reads: [read('a', 7, 8), read(null, 9, 10)],
    });

    expect(kinds(subject)).toEqual(['stale-read', 'stale-read']);
  });

  test('a value that nobody wrote, or that is written only later, is unexplained', () => {
    const subject = history({
      writes: [write('a', 5, 6)],
      reads: [read('=strange', 1, 2), read('a', 3, 4)],
    });

    expect(kinds(subject)).toEqual(['unexplained-read', 'unexplained-read']);
  });
});
