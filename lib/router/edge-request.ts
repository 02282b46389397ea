import { bucketOf, decideBucket, trafficSalt } from './decide-route.ts';
import type { Routes } from './routes.ts';
import {
  bucketOfMark,
  cohortHeader,
  epochHeader,
  sessionCookie,
  subjectHeader,
  subjectOf,
  systemHeader,
  tenantHeader,
  userCookie,
} from './subject.ts';
import type { System } from './system.ts';

/** Where a system's requests go; from the deploy file, never from a request. */
export interface EdgeOrigin {
  readonly domainName: string;
  readonly port: number;
  readonly protocol: 'http' | 'https';
}

/** The parts of Lambda@Edge's origin-request event that we touch. */
export interface EdgeRequest {
  headers: Record<string, { key?: string; value: string }[]>;
  origin?: { custom?: { customHeaders?: object }; s3?: object };
}

/** What the viewer function has assigned, as far as it can be believed. */
export interface Assignment {
  readonly cohort: System;
  readonly epoch: number;
  readonly bucket: number;
}

/** Reads the assignment; without a sound one the cohort is flat. */
export function assignmentOf(request: EdgeRequest, requestId: string): Assignment {
  const epoch = Number(headerOf(request, epochHeader) || '-1');
  const isAssigned =
    headerOf(request, cohortHeader) === 'hierarchical' && Number.isSafeInteger(epoch) && epoch >= 0;
  const bucket = bucketOfMark(headerOf(request, subjectHeader));
  return {
    cohort: isAssigned ? 'hierarchical' : 'flat',
    epoch: isAssigned ? epoch : 0,
    bucket: bucket ?? bucketOf(trafficSalt, subjectOfRequest(request, requestId)),
  };
}

/**
 * The system that serves the request. The flags copy can only take away: a hierarchical cohort needs a copy (a cold
 * start without one stays on flat), and a copy at least as new as the assignment must agree. An older copy knows
 * less than the assignment and says nothing.
 */
export function capAssignment(assignment: Assignment, copy: Routes | null): System {
  if (assignment.cohort === 'flat' || copy === null) return 'flat';
  if (copy.routingEpoch < assignment.epoch) return 'hierarchical';
  return decideBucket(assignment.bucket, copy).side;
}

/** Sends the request to a system: origin, host and the mark for the origin; everything else stays as it is. */
export function sendTo(request: EdgeRequest, system: System, origin: EdgeOrigin): void {
  const custom = {
    domainName: origin.domainName,
    port: origin.port,
    protocol: origin.protocol,
    path: '',
    sslProtocols: ['TLSv1.2'],
    readTimeout: 30,
    keepaliveTimeout: 5,
    customHeaders: customHeadersOf(request),
  };
  request.origin = { custom };
  request.headers['host'] = [{ key: 'Host', value: origin.domainName }];
  request.headers[systemHeader] = [{ key: systemHeader, value: system }];
}

/** Headers that the distribution adds for its origins, for example a shared secret. */
function customHeadersOf(request: EdgeRequest): object {
  return request.origin?.custom?.customHeaders ?? {};
}

function headerOf(request: EdgeRequest, name: string): string {
  return request.headers[name]?.[0]?.value ?? '';
}

function subjectOfRequest(request: EdgeRequest, requestId: string): string {
  return subjectOf({
    user: cookieOf(request, userCookie),
    session: cookieOf(request, sessionCookie),
    tenant: headerOf(request, tenantHeader),
    requestId,
  });
}

function cookieOf(request: EdgeRequest, name: string): string {
  for (const header of request.headers['cookie'] ?? []) {
    for (const pair of header.value.split(';')) {
      const separator = pair.indexOf('=');
      if (separator > 0 && pair.slice(0, separator).trim() === name) return pair.slice(separator + 1).trim();
    }
  }
  return '';
}
