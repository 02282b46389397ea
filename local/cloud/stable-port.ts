import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { HalError } from '../../lib/kernel/errors.ts';
import type { Listening } from './listen.ts';

/**
 * Listens on the wanted port; without a wish on the one of the last time, so that users who go on while the cloud is
 * away find it again, or on any other when somebody took that one. Throws PortTaken for a wanted port.
 */
export async function onStablePort<Server extends Listening>(
  memory: string,
  wanted: number | undefined,
  listen: (port: number) => Promise<Server>,
): Promise<Server> {
  const server = await tryPorts(wanted, lastPort(memory), listen);
  writeFileSync(memory, String(server.port));
  return server;
}

async function tryPorts<Server>(
  wanted: number | undefined,
  last: number,
  listen: (port: number) => Promise<Server>,
): Promise<Server> {
  if (wanted !== undefined && wanted !== 0) return listen(wanted);
  try {
    return await listen(last);
  } catch (error) {
    if (!(error instanceof HalError) || error.name !== 'PortTaken') throw error;
    return listen(0);
  }
}

function lastPort(memory: string): number {
  const port = existsSync(memory) ? Number(readFileSync(memory, 'utf8')) : 0;
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : 0;
}
