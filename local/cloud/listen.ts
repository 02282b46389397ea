import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { HalError } from '../../lib/kernel/errors.ts';

export interface Listening {
  readonly url: string;
  readonly port: number;
  /** Takes no new connections, ends idle ones, waits for requests under way, at most two seconds. */
  stop(): Promise<void>;
}

const stopWithinMs = 2_000;

/** Listens on 127.0.0.1 only; port 0 is any free one. Throws PortTaken. */
export async function listenOnLoopback(server: Server, port: number, what: string): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portTaken(port, what) : error),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    stop: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => server.closeAllConnections(), stopWithinMs);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function portTaken(port: number, what: string): HalError {
  return new HalError({
    name: 'PortTaken',
    message: `Port ${port} on 127.0.0.1 is taken; the ${what} of the local cloud cannot listen there.`,
    remedy:
      'Choose another port with --port, or 0 for any free one; `hal9-migrate local status` shows a cloud that runs.',
    exit: 'conflict',
    facts: { port, what },
  });
}
