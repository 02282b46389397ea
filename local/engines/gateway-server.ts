import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as net from 'node:net';
import { gunzipSync } from 'node:zlib';

import { HalError } from '../../lib/kernel/errors.ts';
import type { ApiReply, ApiRequest } from './api-service.ts';
import { jsonReply } from './api-service.ts';

export interface GatewayServer {
  readonly port: number;
  close(): Promise<void>;
}

type Respond = (request: ApiRequest) => Promise<ApiReply>;

/**
 * One loopback port for HTTP/1.1 and for HTTP/2 without TLS: the Kinesis client speaks only the latter.
 * Throws `PortTaken` when the port is in use.
 */
export async function startGatewayServer(port: number, respond: Respond): Promise<GatewayServer> {
  const sockets = new Set<net.Socket>();
  const handle = (incoming: Incoming, outgoing: Outgoing): void => {
    void exchange(incoming, outgoing, respond);
  };
  const plain = http.createServer({ keepAliveTimeout: 30_000 }, handle);
  const multiplexed = http2.createServer(handle);
  const entry = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    dispatchByPreface(socket, plain, multiplexed);
  });

  await listen(entry, port);
  return {
    port: (entry.address() as net.AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => {
        entry.close(() => {
          resolve();
        });
      });
      for (const socket of sockets) {
        socket.destroy();
      }
      await closed;
    },
  };
}

interface Incoming extends AsyncIterable<Buffer> {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: http.IncomingHttpHeaders | http2.IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined; readonly localPort?: number | undefined };
}

interface Outgoing {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body?: string | Uint8Array): unknown;
}

function dispatchByPreface(socket: net.Socket, plain: http.Server, multiplexed: http2.Http2Server): void {
  socket.once('data', (first: Buffer) => {
    socket.pause();
    const server = first.subarray(0, 3).toString('latin1') === 'PRI' ? multiplexed : plain;
    server.emit('connection', socket);
    socket.unshift(first);
    process.nextTick(() => socket.resume());
  });
}

async function listen(server: net.Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? portTaken(port, error) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

function portTaken(port: number, cause: unknown): HalError {
  return new HalError({
    name: 'PortTaken',
    message: `port ${port} of 127.0.0.1 is in use by another process`,
    remedy: 'choose another port, or stop the process that holds it',
    exit: 'unavailable',
    facts: { port },
    cause,
  });
}

async function exchange(incoming: Incoming, outgoing: Outgoing, respond: Respond): Promise<void> {
  let reply: ApiReply;
  try {
    const refusal = refuseStranger(incoming);
    reply = refusal ?? (await respond(await readRequest(incoming)));
  } catch (error) {
    reply = jsonReply({ __type: 'InternalServerException', message: String(error) }, 500);
  }
  try {
    outgoing.writeHead(reply.status, { 'x-amzn-requestid': crypto.randomUUID(), ...reply.headers });
    outgoing.end(reply.body);
  } catch {
    // The caller hung up; there is nobody left to tell.
  }
}

/** A page in a browser must not reach the local cloud, neither directly nor through a name that resolves to loopback. */
function refuseStranger(incoming: Incoming): ApiReply | undefined {
  const host = String(incoming.headers[':authority'] ?? incoming.headers.host ?? '');
  const localHost = isLocalHost(host, incoming.socket.localPort);
  const localPeer = /^(?:::ffff:)?127\.0\.0\.1$/u.test(incoming.socket.remoteAddress ?? '');
  if (localHost && localPeer && incoming.headers['origin'] === undefined) {
    return undefined;
  }
  const code = 'AccessDeniedException';
  return jsonReply({ __type: code, message: 'only programs on this machine may call' }, 403, {
    'x-amzn-errortype': code,
  });
}

function isLocalHost(host: string, port: number | undefined): boolean {
  const [name, hostPort] = splitOnce(host, ':');
  const localName = name === '127.0.0.1' || name === 'localhost' || name.endsWith('.localhost');
  return localName && hostPort === String(port);
}

const largestBody = 16 * 1024 * 1024;

async function readRequest(incoming: Incoming): Promise<ApiRequest> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming) {
    size += part.length;
    if (size > largestBody) {
      throw new Error(`request body over ${largestBody} bytes`);
    }
    parts.push(part);
  }
  const raw = Buffer.concat(parts);
  const [path, search] = splitOnce(incoming.url ?? '/', '?');
  const headers = flatHeaders(incoming.headers);
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(search),
    headers,
    body: headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw,
  };
}

function splitOnce(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function flatHeaders(headers: Incoming['headers']): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) {
      flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
    }
  }
  return flat;
}
