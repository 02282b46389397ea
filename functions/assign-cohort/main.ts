import cf from 'cloudfront';

import { encodeCohortData } from '../../lib/router/cohort-data.ts';
import { decideRoute } from '../../lib/router/decide-route.ts';
import { parseRoutes, routesKey, type Routes } from '../../lib/router/routes.ts';
import {
  cohortHeader,
  epochHeader,
  ownHeaderPrefix,
  sessionCookie,
  subjectHeader,
  subjectMark,
  subjectOf,
  tenantHeader,
  userCookie,
} from '../../lib/router/subject.ts';

/**
 * Viewer request, in CloudFront Functions (runtime 2.0): assigns every request to a cohort. What does not work
 * here ends on flat, never in an error. No destructuring, spread, closures in async functions, or awaits inside
 * arguments: the runtime has none of them.
 */
interface Value {
  value: string;
}

interface ViewerRequest {
  headers: Record<string, Value>;
  cookies: Record<string, Value>;
}

interface ViewerEvent {
  context: { requestId: string };
  request: ViewerRequest;
}

export async function handler(event: ViewerEvent): Promise<ViewerRequest> {
  const request = event.request;
  stripOwnHeaders(request);
  let routes: Routes | null = null;
  try {
    const text = await cf.kvs().get(routesKey);
    routes = parseRoutes(text);
  } catch {
    routes = null;
  }
  assign(event, routes);
  return request;
}

function assign(event: ViewerEvent, routes: Routes | null): void {
  const headers = event.request.headers;
  try {
    const subject = subjectOfEvent(event);
    const cohort = decideRoute({ subject: subject }, routes).side;
    const epoch = routes === null ? 0 : routes.routingEpoch;
    const mark = subjectMark(subject);
    headers[cohortHeader] = { value: cohort };
    headers[epochHeader] = { value: String(epoch) };
    headers[subjectHeader] = { value: mark };
    if (typeof cf.logCustomData === 'function') cf.logCustomData(encodeCohortData(cohort, epoch, mark));
  } catch {
    headers[cohortHeader] = { value: 'flat' };
  }
}

/** Only this function speaks `x-hal9-*`; what a viewer sends under these names is gone. */
function stripOwnHeaders(request: ViewerRequest): void {
  const names = Object.keys(request.headers);
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string;
    if (name.toLowerCase().indexOf(ownHeaderPrefix) === 0) delete request.headers[name];
  }
}

function subjectOfEvent(event: ViewerEvent): string {
  const cookies = event.request.cookies || {};
  return subjectOf({
    user: valueOf(cookies[userCookie]),
    session: valueOf(cookies[sessionCookie]),
    tenant: valueOf(event.request.headers[tenantHeader]),
    requestId: event.context.requestId,
  });
}

function valueOf(entry: Value | undefined): string {
  return entry && typeof entry.value === 'string' ? entry.value : '';
}
