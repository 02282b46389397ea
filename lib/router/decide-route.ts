import { murmur3 } from '../kernel/murmur3.ts';
import type { Routes } from './routes.ts';
import type { System } from './system.ts';

/**
 * The one decision about where a request goes. Runs in CloudFront Functions and in Node, from the same source; the
 * golden vectors prove that both give the same answers. Same restrictions as in `routes.ts`.
 */
export interface RouteIdentity {
  /** Who keeps its side from request to request: user, else session, else tenant, else the request itself. */
  readonly subject: string;
}

type RouteReason =
  /** There are no routes, or none that can be read. */
  | 'no-routes'
  | 'kill-switch'
  /** The hierarchical system is not enabled. */
  | 'disabled'
  | 'in-share'
  | 'out-of-share';

export interface RouteDecision {
  readonly side: System;
  readonly reason: RouteReason;
  /** 0 to 99,999: thousandths of a percent; the same for a subject whatever the routes say. */
  readonly bucket: number;
}

/** Salt of the traffic share; a feature's share is salted with its name, so that shares do not correlate. */
export const trafficSalt = 'traffic';

/** Total; raising the share only ever adds subjects to the hierarchical side. */
export function decideRoute(identity: RouteIdentity, routes: Routes | null): RouteDecision {
  return decideBucket(bucketOf(trafficSalt, identity.subject), routes);
}

/** As `decideRoute`, for a bucket that another edge has computed. */
export function decideBucket(bucket: number, routes: Routes | null): RouteDecision {
  if (routes === null) return { side: 'flat', reason: 'no-routes', bucket: bucket };
  if (routes.killSwitch) return { side: 'flat', reason: 'kill-switch', bucket: bucket };
  if (!routes.hierarchicalEnabled) return { side: 'flat', reason: 'disabled', bucket: bucket };
  return bucket < routes.trafficThousandths
    ? { side: 'hierarchical', reason: 'in-share', bucket: bucket }
    : { side: 'flat', reason: 'out-of-share', bucket: bucket };
}

/** The subject's place among 100,000, evenly spread and independent between salts. */
export function bucketOf(salt: string, subject: string): number {
  return bucketOfHash(murmur3(salt + ':' + subject, 0));
}

/** `hash` is an unsigned 32 bit integer; the product stays below 2^53, so the division is exact enough. */
export function bucketOfHash(hash: number): number {
  return Math.floor((hash * 100000) / 4294967296);
}
