import { describe, expect, test } from 'vitest';

import { parseEnv } from '../../../functions/verify-state/env.ts';

const complete = {
  SOURCE: '{"kind":"sqlite","path":"flat.sqlite"}',
  STATE_TABLE: 'state',
  AUTHORITY_TABLE: 'authority',
  PROGRESS_TABLE: 'progress',
  QUARANTINE_TABLE: 'quarantine',
  BODY_BUCKET: 'bodies',
  TIME_BUDGET_SECONDS: '0.5',
};

describe('the environment of a function', () => {
  test('is parsed into values', () => {
    expect(parseEnv({ ...complete, UNRELATED: 'x' })).toEqual({
      ...complete,
      SOURCE: { kind: 'sqlite', path: 'flat.sqlite' },
      TIME_BUDGET_SECONDS: 0.5,
    });
  });

  test('is refused with every fault at once', () => {
    const { STATE_TABLE: _missing, ...rest } = complete;

    const parse = (): unknown => parseEnv({ ...rest, SOURCE: 'flat.sqlite', TIME_BUDGET_SECONDS: 'soon' });

    expect(parse).toThrow(expect.objectContaining({ name: 'EnvironmentInvalid' }));
    expect(parse).toThrow(/SOURCE.*STATE_TABLE.*TIME_BUDGET_SECONDS/);
  });
});
