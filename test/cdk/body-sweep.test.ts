import { expect, test } from 'vitest';

import { dayMs } from '../../lib/migration/body-name.ts';
import { bodyRetentionMs, unnamedForMs } from '../../lib/migration/bodies/retention.ts';
import { allowedStatements } from './policies.ts';
import { synthesize } from './synthesized.ts';

const app = synthesize();
const seconds = (durationMs: number): number => durationMs / 1000;

test('objects are deleted by one function, and only those below bodies/', () => {
  const deleting = allowedStatements(app).filter(({ actions }) =>
    actions.some((action) => action.startsWith('s3:Delete')),
  );

  expect(deleting).toHaveLength(1);
  expect(deleting[0]?.where).toMatch(/SweepBodies/);
  expect(deleting[0]?.actions).toEqual(['s3:DeleteObject']);
  expect(deleting[0]?.resources).toEqual([expect.stringMatching(/:s3:::[^*]+\/bodies\/\*$/)]);
});

test('the sweep lists nothing else, reads no object, and writes its own marks only', () => {
  const own = allowedStatements(app).filter(({ where }) => /SweepBodies/.test(where));
  const of = (action: string) => own.filter(({ actions }) => actions.includes(action));

  expect(of('s3:GetObject')).toEqual([]);
  expect(of('s3:ListBucket')).toMatchObject([{ condition: { StringLike: { 's3:prefix': ['bodies/*'] } } }]);
  expect(of('dynamodb:DeleteItem')).toMatchObject([
    { condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['body-sweep'] } } },
  ]);
  expect(of('dynamodb:UpdateItem')).toEqual(of('dynamodb:DeleteItem'));
});

test('no queue keeps a message as long as a body is let alone, even when it is sent again once', () => {
  const queues = app.ofType('AWS::SQS::Queue');

  expect(queues.length).toBeGreaterThan(5);
  for (const { Properties } of queues) {
    expect(2 * Number(Properties['MessageRetentionPeriod'])).toBeLessThan(seconds(bodyRetentionMs));
  }
  expect(unnamedForMs).toBeGreaterThan(dayMs);
});

test('what was deleted can be brought back for longer than a table can be restored to', () => {
  const bucket = app.ofType('AWS::S3::Bucket').find(({ logicalId }) => logicalId.startsWith('Backup'));

  expect(bucket?.Properties['LifecycleConfiguration']).toMatchObject({
    Rules: [
      {
        Status: 'Enabled',
        ExpiredObjectDeleteMarker: true,
        NoncurrentVersionExpiration: { NoncurrentDays: 90 },
      },
    ],
  });
});
