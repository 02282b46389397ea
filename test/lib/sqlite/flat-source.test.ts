import type { DatabaseSync, SQLInputValue } from 'node:sqlite';

import type { FlatRow, RecordKey } from '../../../lib/migration/row.ts';
import { flatSourceContract } from '../../contract/flat-source.ts';
import { makeFlatFile } from './flat-file.ts';

flatSourceContract('SQLite', () => {
  const { legacy, source, records } = makeFlatFile();
  return {
    source: source(),
    records: records(),
    writeLegacy: (key, row) => write(legacy, key, row),
  };
});

function write(legacy: DatabaseSync, key: RecordKey, row: FlatRow | null): void {
  if (row === null) {
    const [scope = '', path = ''] = key.id.split('|');
    legacy.prepare('DELETE FROM flat_config WHERE scope = ? AND path = ?').run(scope, path);
    return;
  }
  const names = Object.keys(row);
  legacy
    .prepare(
      `INSERT OR REPLACE INTO flat_config (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    )
    .run(...(Object.values(row) as SQLInputValue[]));
}
