import type { IncomingMessage, ServerResponse } from 'node:http';

/** One answer of the API before it is written to the wire. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: {
    readonly success: boolean;
    readonly data: unknown;
    readonly error: { readonly code: string; readonly message: string } | null;
  };
}

export function success(data: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 200, headers, body: { success: true, data, error: null } };
}

export function failure(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers, body: { success: false, data: null, error: { code, message } } };
}

export function writeAnswer(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  const text = JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    'content-type': 'application/json; charset=utf-8',
    // A cache on the way would answer reads with what was true before the last write.
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
    ...answer.headers,
  });
  response.end(text);
}

/** null: the body is larger than `limitBytes`. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // The rest is read and dropped, so that the client gets to see the answer.
    if (length <= limitBytes) chunks.push(chunk);
  }
  return length > limitBytes ? null : Buffer.concat(chunks).toString('utf8');
}
