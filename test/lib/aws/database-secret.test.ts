import { expect, test } from 'vitest';

import { signedHeaders } from '../../../lib/aws/database-secret.ts';

test('a secret is asked for with the signature that the SDK makes of the same request', () => {
  const headers = signedHeaders({
    host: 'secretsmanager.eu-west-1.amazonaws.com',
    region: 'eu-west-1',
    body: '{"SecretId":"a"}',
    credentials: {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      sessionToken: 'token',
    },
    at: new Date('2026-01-02T03:04:05.678Z'),
  });

  expect(headers['authorization']).toBe(
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/secretsmanager/aws4_request, ' +
      'SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;x-amz-target, ' +
      'Signature=bcb4b0d13016cf41c8cb16b506463fff5191f1d2648689e70f21fd06b9c08026',
  );
});
