import { describe, expect, test } from 'vitest';

import { setRow } from '../../../../lib/memory/flat-store.ts';
import { parseManifest } from '../../../../lib/migration/backup/backup-manifest.ts';
import { tableOf } from '../../../../lib/migration/table-lookup.ts';
import { backupInMemory } from './backup-in-memory.ts';

async function tenSessions() {
  const system = backupInMemory();
  await system.deps.source.installChangeLog();
  for (let at = 0; at < 10; at += 1) await system.put(`s${at}`, `payload ${at}`);
  return system;
}

describe('a backup', () => {
  test('holds every record in parts of bounded size, with its manifest last', async () => {
    const system = await tenSessions();

    const { categories, backup } = await system.backUp();

    expect(backup).toMatchObject({ parts: 1, entries: 10 });
    expect(categories).toMatchObject([
      { category: 'user-sessions', rows: 10, entries: 10, changedMeanwhile: 0, authority: 'flat', epoch: 1 },
      { category: 'metadata', rows: 0, entries: 0 },
    ]);
    expect(parseManifest(system.backups.manifests.get('before') ?? '')?.sha256).toBe(backup?.manifestSha256);
  });

  test('is the state at one version, although writers go on meanwhile', async () => {
    const system = backupInMemory();
    await system.deps.source.installChangeLog();
    for (let at = 100; at < 1_700; at += 1) await system.put(`s${at}`, 'old');
    let writes = 0;
    const write = async (): Promise<void> => {
      if (writes === 3) return;
      writes += 1;
      await system.put('s100', `new ${writes}`);
      await system.put(`t${writes}`, 'created');
      await system.put(`s${200 + writes}`, null);
    };

    const { categories } = await system.backUp('before', { between: write });
    const rowsAtTheEnd = system.rows('session');
    await system.put('s100', 'after the backup');
    for (const row of Object.keys(rowsAtTheEnd)) setRow(system.store, table(), row, null);
    const counts = await system.restore();

    expect(writes).toBe(3);
    expect(categories[0]).toMatchObject({ cut: { epoch: 1 } });
    expect(categories[0]?.changedMeanwhile).toBeGreaterThan(2);
    expect(counts.kept).toBe(1);
    // s100 was written after the backup, and the newest acknowledged write stays (here: lost without a trace).
    expect({ ...system.rows('session'), s100: null }).toEqual({ ...rowsAtTheEnd, s100: null });
  });

  test('of the same content has the same hash, and another one when a byte differs', async () => {
    const [one, same, other] = [await tenSessions(), await tenSessions(), await tenSessions()];
    setRow(other.store, table(), 's3', { id: 's3', payload: 'payload 4' });

    const hashes = await Promise.all(
      [one, same, other].map(
        async (system) => (await system.backUp('x', { full: false })).categories[0]?.sha256,
      ),
    );

    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
    expect(one.backups.parts.size).toBe(0);
  });

  test('is begun again when authority moves meanwhile', async () => {
    const system = await tenSessions();
    const moved = (): Promise<void> => {
      system.store.authorities.set('user-sessions', { epoch: 2, state: 'following' });
      return Promise.resolve();
    };

    await expect(system.backUp('before', { between: moved })).rejects.toMatchObject({
      name: 'BackupOvertaken',
    });
    expect(system.backups.manifests.size).toBe(0);
  });
});

describe('verification of a backup', () => {
  test('reads every record again', async () => {
    const system = await tenSessions();
    await system.backUp();

    expect(await system.verify()).toMatchObject({ intact: true, entriesRead: 10, entries: 10, faults: [] });
  });

  test('finds any changed byte, and a part that is gone', async () => {
    const system = await tenSessions();
    await system.backUp();
    const [name = ''] = system.backups.parts.keys();
    const block = system.backups.parts.get(name)?.[0];
    const text = block?.text ?? '';

    for (let at = 0; at < text.length; at += 7) {
      block!.text = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
      expect(await system.verify()).toMatchObject({ intact: false, faults: [{ part: name }] });
    }
    system.backups.parts.delete(name);
    expect(await system.verify()).toMatchObject({
      intact: false,
      faults: [{ reason: 'the part is missing' }],
    });
  });

  test('refuses a manifest that was changed, and a checkpoint without one', async () => {
    const system = await tenSessions();
    await system.backUp();
    const manifest = system.backups.manifests.get('before') ?? '';
    system.backups.manifests.set('before', manifest.replace('"rows":10', '"rows":11'));

    await expect(system.verify()).rejects.toMatchObject({ name: 'BackupDamaged' });
    await expect(system.verify('never')).rejects.toMatchObject({ name: 'BackupMissing' });
  });
});

function table() {
  return tableOf(backupInMemory().deps.definition, 'session');
}
