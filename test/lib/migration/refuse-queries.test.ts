import { expect, test } from 'vitest';

import type { SourceConfig } from '../../../lib/config/source-config.ts';
import { openFlatRecords, openFlatSource, openFlatWriter } from '../../../lib/sources/open-flat-source.ts';
import { queriedDefinition } from '../../contract/queried-table.ts';

const withoutQueries: readonly SourceConfig[] = [
  { kind: 'jsonl', path: '/nowhere', keeping: { folder: '/nowhere' } },
  { kind: 'dynamodb', prefix: 'flat-' },
];

test.each(withoutQueries)('a definition with a where cannot be opened over $kind', async (config) => {
  for (const open of [openFlatSource, openFlatRecords, openFlatWriter])
    await expect(open(config, queriedDefinition)).rejects.toMatchObject({
      name: 'QueryUnsupported',
      message: expect.stringContaining('session, event, note') as string,
      exit: 'usage',
    });
});
