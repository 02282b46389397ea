import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { readTransferLines, readTransferManifest } from '../../cli/state/transfer-reader.ts';
import { openTransferWriter } from '../../cli/state/transfer-writer.ts';

const origin = {
  migrationId: 'm',
  definition: 'hal9',
  category: 'learning-data',
  watermark: { epoch: 1, sequence: 7 },
};

let root: string;
let output: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hal9-transfer-'));
  output = join(root, 'out');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function written(lines: readonly string[]) {
  const writer = await openTransferWriter(output);
  for (const line of lines) await writer.write(line);
  return await writer.finish({ content: 'rows', origin });
}

async function readAll(): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const line of readTransferLines(output, await readTransferManifest(output, 'rows')))
    lines.push(line);
  return lines;
}

test('what was written is read again, long lines and many parts alike', async () => {
  const lines = [
    '{}',
    `"${'é'.repeat(3_000_000)}"`,
    '',
    ...Array.from({ length: 12 }, () => 'x'.repeat(6_000_000)),
  ];

  const manifest = await written(lines);

  expect(manifest.lines).toBe(lines.length);
  expect(manifest.parts.map(({ name }) => name)).toEqual(['part-00001.jsonl', 'part-00002.jsonl']);
  expect(await readAll()).toEqual(lines);
});

test('nothing is there before all of it is, and nothing stays of what was given up', async () => {
  const writer = await openTransferWriter(output);
  await writer.write('{}');
  const meanwhile = existsSync(output);
  await writer.discard();

  expect(meanwhile).toBe(false);
  expect(readdirSync(root)).toEqual([]);
});

test('what is there already stays, and an empty directory is used', async () => {
  mkdirSync(output);
  await written(['{}']);

  await expect(openTransferWriter(output)).rejects.toMatchObject({ name: 'OutputExists' });
  writeFileSync(join(root, 'file'), '');
  await expect(openTransferWriter(join(root, 'file'))).rejects.toMatchObject({ name: 'OutputExists' });
  expect(await readAll()).toEqual(['{}']);
});

test.each([
  ['an appended line', () => appendFileSync(join(output, 'part-00001.jsonl'), '{}\n')],
  [
    'a changed character',
    () =>
      writeFileSync(
        join(output, 'part-00001.jsonl'),
        readFileSync(join(output, 'part-00001.jsonl'), 'utf8').replace('1', '2'),
      ),
  ],
  ['a missing part', () => rmSync(join(output, 'part-00001.jsonl'))],
  [
    'a changed manifest',
    () => {
      const path = join(output, 'manifest.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace('"sequence": 7', '"sequence": 8'));
    },
  ],
])('%s is found', async (_what, change) => {
  await written(['{"a":1}', '{"b":1}']);
  change();

  await expect(readAll()).rejects.toMatchObject({ name: 'TransferDamaged' });
});

test('a directory without manifest, and one of the other kind, are refused', async () => {
  await expect(readTransferManifest(root, 'rows')).rejects.toMatchObject({ name: 'TransferMissing' });
  await written(['{}']);
  await expect(readTransferManifest(output, 'records')).rejects.toMatchObject({ name: 'TransferUnfit' });
});
