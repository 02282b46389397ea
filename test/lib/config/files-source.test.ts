import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { parseDeployFile } from '../../../lib/config/deploy-file.ts';
import { objectsOf } from '../../../lib/config/source-config.ts';

const deploy = JSON.parse(readFileSync('hal9.deploy.json', 'utf8')) as object;
const withSource = (source: object) => () =>
  parseDeployFile(JSON.stringify({ ...deploy, source }), 'hal9.deploy.json');

test('files and objects are named by their path', () => {
  expect(withSource({ kind: 'jsonl', path: 's3://bucket/a/b/' })().source).toEqual({
    kind: 'jsonl',
    path: 's3://bucket/a/b/',
  });
  expect(objectsOf({ path: 's3://bucket/a/b/' })).toEqual({ bucket: 'bucket', prefix: 'a/b/' });
  expect(objectsOf({ path: 's3://bucket' })).toEqual({ bucket: 'bucket', prefix: '' });
  expect(objectsOf({ path: '/data/export' })).toBeNull();
});

test.each([
  ['another protocol', { kind: 'jsonl', path: 'https://host/export.jsonl' }],
  ['what is no bucket', { kind: 'jsonl', path: 's3://B/x' }],
  ['what only a process is told', { kind: 'jsonl', path: 's3://bucket/x', keeping: { folder: 'f' } }],
])('%s is refused', (_what, source) => {
  expect(withSource(source)).toThrow('deploy file');
});
