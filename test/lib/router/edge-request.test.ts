import { describe, expect, test } from 'vitest';

import { assignmentOf, capAssignment, sendTo, type EdgeRequest } from '../../../lib/router/edge-request.ts';
import type { Routes } from '../../../lib/router/routes.ts';
import { subjectMark } from '../../../lib/router/subject.ts';

const routes = (over: Partial<Routes> = {}): Routes => ({
  routingEpoch: 3,
  version: 0,
  killSwitch: false,
  hierarchicalEnabled: true,
  trafficThousandths: 100_000,
  ...over,
});
const assigned = { cohort: 'hierarchical', epoch: 3, bucket: 13_463 } as const;

describe('an assignment', () => {
  test('is read from the headers of the viewer function', () => {
    const request = requestWith({
      'x-hal9-cohort': 'hierarchical',
      'x-hal9-epoch': '3',
      'x-hal9-subject': subjectMark('user:alice'),
    });

    expect(assignmentOf(request, 'r')).toEqual(assigned);
  });

  test('derives the bucket from the cookies when there is no mark', () => {
    const request = requestWith({
      cookie: 'a=b; hal9_user=alice; c',
      'x-hal9-cohort': 'hierarchical',
      'x-hal9-epoch': '3',
    });

    expect(assignmentOf(request, 'r')).toEqual(assigned);
  });

  test.each<Record<string, string>>([
    {},
    { 'x-hal9-cohort': 'flat', 'x-hal9-epoch': '3' },
    { 'x-hal9-cohort': 'hierarchical' },
    { 'x-hal9-cohort': 'hierarchical', 'x-hal9-epoch': 'x' },
    { 'x-hal9-cohort': 'hierarchical', 'x-hal9-epoch': '-2' },
  ])('with the headers %j is flat', (headers) => {
    expect(assignmentOf(requestWith(headers), 'r').cohort).toBe('flat');
  });
});

describe('the cap of the flags copy', () => {
  test('lets an assignment pass that it agrees with', () => {
    expect(capAssignment(assigned, routes())).toBe('hierarchical');
  });

  test('sends a request to flat as long as there is no copy', () => {
    expect(capAssignment(assigned, null)).toBe('flat');
  });

  test('never sends a flat assignment to the hierarchical system', () => {
    expect(capAssignment({ ...assigned, cohort: 'flat' }, routes())).toBe('flat');
  });

  test.each([
    routes({ killSwitch: true }),
    routes({ hierarchicalEnabled: false }),
    routes({ trafficThousandths: 13_463 }),
    routes({ routingEpoch: 4, killSwitch: true }),
  ])('takes back what a copy at least as new does not allow: %j', (copy) => {
    expect(capAssignment(assigned, copy)).toBe('flat');
  });

  test('does not believe a copy that is older than the assignment', () => {
    expect(capAssignment(assigned, routes({ routingEpoch: 2, trafficThousandths: 0 }))).toBe('hierarchical');
  });
});

test('sending a request sets origin, host and mark, and touches nothing else', () => {
  const request: EdgeRequest & { uri: string } = {
    uri: '/api/v1/users/1',
    headers: {
      host: [{ key: 'Host', value: 'evil' }],
      via: [{ value: '1' }],
      'x-hal9-cohort': [{ value: 'flat' }],
    },
    origin: { custom: { customHeaders: { 'x-secret': [{ key: 'x-secret', value: 's' }] } } },
  };

  sendTo(request, 'flat', { domainName: 'flat.example', port: 8443, protocol: 'https' });

  expect(request).toMatchObject({
    uri: '/api/v1/users/1',
    headers: {
      host: [{ key: 'Host', value: 'flat.example' }],
      via: [{ value: '1' }],
      'x-hal9-cohort': [{ value: 'flat' }],
      'x-hal9-system': [{ value: 'flat' }],
    },
    origin: {
      custom: {
        domainName: 'flat.example',
        port: 8443,
        protocol: 'https',
        customHeaders: { 'x-secret': [{ value: 's' }] },
      },
    },
  });
});

function requestWith(headers: Readonly<Record<string, string>>): EdgeRequest {
  return {
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, [{ key: name, value }]]),
    ),
  };
}
