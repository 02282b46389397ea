import { Agent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';

import type { OriginPlan } from './distribution-plan.ts';
import type { EdgeRequest } from './edge-request.ts';

type OriginAnswer =
  | { readonly kind: 'answered'; readonly message: IncomingMessage }
  | { readonly kind: 'unreachable'; readonly status: 502 | 504; readonly reason: string };

export interface OriginClient {
  /** Never rejects. `body` is the whole body of the request. */
  send(request: EdgeRequest, origin: OriginPlan, body: Buffer): Promise<OriginAnswer>;
  close(): void;
}

const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** `portOf` stands for DNS: from an origin's domain name to the port on this machine. */
export function makeOriginClient(portOf: (domainName: string) => number | null): OriginClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'lifo' });

  const attempt = (
    request: EdgeRequest,
    origin: OriginPlan,
    port: number,
    body: Buffer,
  ): Promise<OriginAnswer & { readonly stale?: boolean }> => {
    const { promise, resolve } = Promise.withResolvers<OriginAnswer & { readonly stale?: boolean }>();
    const query = request.querystring === '' ? '' : `?${request.querystring}`;
    const outgoing = httpRequest({
      agent,
      host: '127.0.0.1',
      port,
      method: request.method,
      path: `${origin.path}${request.uri}${query}`,
      headers: outgoingHeaders(request, origin, body),
    });
    outgoing.setTimeout(origin.readTimeoutS * 1_000, () => outgoing.destroy(new Error('OriginTimeout')));
    outgoing.on('response', (message) => resolve({ kind: 'answered', message }));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const status = error.message === 'OriginTimeout' ? 504 : 502;
      // The origin closed an idle connection at the moment we used it: it has seen nothing of the request.
      const stale = outgoing.reusedSocket && error.code === 'ECONNRESET';
      resolve({ kind: 'unreachable', status, reason: error.message, stale });
    });
    outgoing.end(body);
    return promise;
  };

  return {
    async send(request, origin, body) {
      const port = portOf(origin.domainName);
      if (port === null) {
        return { kind: 'unreachable', status: 502, reason: `no such host ${origin.domainName}` };
      }
      const first = await attempt(request, origin, port, body);
      const again = first.kind === 'unreachable' && first.stale === true && repeatable.has(request.method);
      return again ? attempt(request, origin, port, body) : first;
    },
    close: () => agent.destroy(),
  };
}

function outgoingHeaders(
  request: EdgeRequest,
  origin: OriginPlan,
  body: Buffer,
): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { host: origin.domainName };
  for (const [name, values] of Object.entries(request.headers)) {
    headers[name] = values.length === 1 ? (values[0] ?? '') : [...values];
  }
  Object.assign(headers, origin.customHeaders);
  if (body.length > 0) headers['content-length'] = String(body.length);
  return headers;
}
