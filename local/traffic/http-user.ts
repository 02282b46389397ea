import { Agent, request as sendRequest, type ClientRequest, type IncomingMessage } from 'node:http';

import type { RecordOrigin } from '../../lib/migration/record.ts';

interface UserRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly user: string;
  /** JSON value. */
  readonly body?: unknown;
}

export type UserAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly servedBy: RecordOrigin | null;
      readonly text: string;
    }
  | { readonly kind: 'no-answer'; readonly reason: string };

/** Sends requests as browsers do: connections are kept, and a user is known by a cookie. */
export interface HttpUsers {
  send(request: UserRequest): Promise<UserAnswer>;
  close(): void;
}

export function makeHttpUsers(edgeUrl: string, timeoutMs: number): HttpUsers {
  const agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'lifo' });
  return {
    async send(request) {
      const first = await sendOnce(agent, edgeUrl, request, timeoutMs);
      // The server closed an idle connection at that moment, before it had seen the request.
      return first === 'stale-connection' ? await sendFresh(edgeUrl, request, timeoutMs) : first;
    },
    close: () => agent.destroy(),
  };
}

async function sendFresh(edgeUrl: string, request: UserRequest, timeoutMs: number): Promise<UserAnswer> {
  const agent = new Agent({ keepAlive: false });
  const answer = await sendOnce(agent, edgeUrl, request, timeoutMs);
  return answer === 'stale-connection' ? { kind: 'no-answer', reason: 'connection reset' } : answer;
}

function sendOnce(
  agent: Agent,
  edgeUrl: string,
  request: UserRequest,
  timeoutMs: number,
): Promise<UserAnswer | 'stale-connection'> {
  return new Promise((resolve) => {
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    const sent = sendRequest(new URL(request.path, edgeUrl), {
      agent,
      method: request.method,
      headers: {
        cookie: `hal9_user=${request.user}`,
        ...(body === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    });
    const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    const settle = (answer: UserAnswer | 'stale-connection'): void => {
      clearTimeout(timer);
      resolve(answer);
    };
    sent.on('response', (response) => {
      readAnswer(response).then(settle, (error: unknown) => settle(noAnswer(error)));
    });
    sent.on('error', (error) =>
      settle(isStaleConnection(sent, error) ? 'stale-connection' : noAnswer(error)),
    );
    sent.end(body ?? undefined);
  });
}

async function readAnswer(response: IncomingMessage): Promise<UserAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const servedBy = response.headers['x-hal9-served-by'];
  return {
    kind: 'answered',
    status: response.statusCode ?? 0,
    servedBy: servedBy === 'flat' || servedBy === 'hierarchical' ? servedBy : null,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

function isStaleConnection(sent: ClientRequest, error: Error & { code?: string }): boolean {
  return sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

function noAnswer(error: unknown): UserAnswer {
  const { code, message } = error as { code?: string; message?: string };
  return { kind: 'no-answer', reason: message ?? code ?? String(error) };
}
