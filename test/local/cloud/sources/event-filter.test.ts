import { describe, expect, it } from 'vitest';

import { parseEventFilter } from '../../../../local/cloud/sources/event-filter.ts';

const change = (origin?: string) => ({
  eventName: 'MODIFY',
  dynamodb: { NewImage: origin === undefined ? undefined : { origin: { S: origin } } },
});

describe('the filter of an event source', () => {
  const filter = parseEventFilter([
    '{"dynamodb":{"NewImage":{"origin":{"S":["hierarchical","both"]}}}}',
    '{"eventName":["REMOVE"]}',
  ]);

  it('lets a record through when one of its patterns holds', () => {
    expect(filter?.(change('hierarchical'))).toBe(true);
    expect(filter?.(change('both'))).toBe(true);
    expect(filter?.({ eventName: 'REMOVE' })).toBe(true);
  });

  it('leaves out what no pattern fits, a property that is not there among it', () => {
    expect(filter?.(change('flat'))).toBe(false);
    expect(filter?.(change())).toBe(false);
    expect(filter?.(null)).toBe(false);
  });

  it.each(['{"a":[{"exists":true}]}', '{"a":[5]}', '["a"]', '{"a":"b"}'])(
    'is refused where it says what is not known here: %s',
    (pattern) => {
      expect(parseEventFilter([pattern])).toBeNull();
    },
  );
});
