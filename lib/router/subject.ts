import { murmur3 } from '../kernel/murmur3.ts';
import { bucketOfHash, trafficSalt } from './decide-route.ts';

/**
 * The names by which edges and services agree on a request. Same restrictions as in `routes.ts`.
 */
export const cohortHeader = 'x-hal9-cohort';
export const epochHeader = 'x-hal9-epoch';
export const subjectHeader = 'x-hal9-subject';
/** Which system the origin-request function has chosen, as the origin sees it. */
export const systemHeader = 'x-hal9-system';
export const ownHeaderPrefix = 'x-hal9-';

export const userCookie = 'hal9_user';
export const sessionCookie = 'hal9_session';
export const tenantHeader = 'hal9-tenant';

/** What a request says about who sends it; empty where it says nothing. */
export interface Claims {
  readonly user: string;
  readonly session: string;
  readonly tenant: string;
  readonly requestId: string;
}

/** The most stable identity wins; each kind has its own space, so that a user "7" and a tenant "7" are two. */
export function subjectOf(claims: Claims): string {
  if (claims.user !== '') return 'user:' + claims.user;
  if (claims.session !== '') return 'session:' + claims.session;
  if (claims.tenant !== '') return 'tenant:' + claims.tenant;
  return 'request:' + claims.requestId;
}

const markSeed = 0x68616c39;

/**
 * 16 hex digits that stand for the subject in headers and logs. The first eight are the hash that its bucket is
 * made of, so the origin-request function reaches the same decision without seeing the cookies.
 */
export function subjectMark(subject: string): string {
  const salted = trafficSalt + ':' + subject;
  return hex8(murmur3(salted, 0)) + hex8(murmur3(salted, markSeed));
}

/** The bucket in a mark; null when the text is not a mark. */
export function bucketOfMark(mark: string): number | null {
  if (mark.length !== 16) return null;
  const hash = parseInt(mark.slice(0, 8), 16);
  return hex8(hash) === mark.slice(0, 8) ? bucketOfHash(hash) : null;
}

function hex8(value: number): string {
  return ('0000000' + value.toString(16)).slice(-8);
}
