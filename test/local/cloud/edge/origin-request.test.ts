import { describe, expect, it } from 'vitest';

import { decisionOf } from '../../../../local/cloud/edge/origin-request.ts';
import type { EdgeRequest } from '../../../../local/cloud/edge/edge-request.ts';

const before: EdgeRequest = {
  method: 'GET',
  uri: '/a',
  querystring: '',
  headers: { host: ['flat.example.com'], 'accept-encoding': ['gzip'], via: ['1.1 x'] },
};

const flat = {
  domainName: 'flat.example.com',
  port: 80,
  protocol: 'http' as const,
  path: '',
  readTimeoutS: 30,
  customHeaders: {},
};

const answered = {
  method: 'GET',
  uri: '/a',
  querystring: '',
  headers: {
    host: [{ key: 'Host', value: 'flat.example.com' }],
    'accept-encoding': [{ key: 'Accept-Encoding', value: 'gzip' }],
    via: [{ key: 'Via', value: '1.1 x' }],
  },
};

const withHeader = (name: string, value: string): object => ({
  ...answered,
  headers: { ...answered.headers, [name]: [{ key: name, value }] },
});

describe('the answer of an origin-request function', () => {
  it('forwards to the original origin unless it names another', () => {
    expect(decisionOf(before, flat, answered)).toMatchObject({ kind: 'forward', origin: flat });
  });

  it('forwards to the origin that it names', () => {
    const custom = { domainName: 'other.example.com', port: 8080, protocol: 'http', path: '' };

    const decision = decisionOf(before, flat, { ...answered, origin: { custom } });

    expect(decision).toMatchObject({
      kind: 'forward',
      origin: { domainName: 'other.example.com', port: 8080 },
    });
  });

  it.each(['x-edge-thing', 'x-amz-cf-id', 'connection', 'x-real-ip'])('may not add %s', (name) => {
    const reason = `the header ${name} may not be added`;

    expect(decisionOf(before, flat, withHeader(name, '1'))).toEqual({ kind: 'invalid', reason });
  });

  it.each(['accept-encoding', 'via', 'if-none-match'])('may not change the read-only %s', (name) => {
    expect(decisionOf(before, flat, withHeader(name, 'other'))).toMatchObject({ kind: 'invalid' });
  });

  it('may answer by itself', () => {
    const decision = decisionOf(before, flat, { status: '403', body: 'no', headers: {} });

    expect(decision).toMatchObject({ kind: 'respond', response: { status: 403, body: Buffer.from('no') } });
  });

  it.each([
    ['nothing', null],
    ['headers that are no lists', { ...answered, headers: { host: 'x' } }],
    ['another method', { ...answered, method: 'POST' }],
    ['a path without a slash', { ...answered, uri: 'a' }],
  ])('is invalid with %s', (_what, answer) => {
    expect(decisionOf(before, flat, answer)).toMatchObject({ kind: 'invalid' });
  });
});
