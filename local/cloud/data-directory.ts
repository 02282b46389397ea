import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { HalError } from '../../lib/kernel/errors.ts';

/** Where a local cloud keeps what survives it. */
export interface DataDirectory {
  readonly root: string;
  /** The flat system's store. */
  readonly flatStore: string;
  /** Where the flat store came from. */
  readonly flatOrigin: string;
  /** Tables of the hierarchical system. */
  readonly tables: string;
  /** Objects of the buckets. */
  readonly objects: string;
  /** Flags, routes, alarms, executions. */
  readonly engineState: string;
  /** How far table streams were delivered. */
  readonly positions: string;
  /** The edge's last port, so that users find it again after a restart. */
  readonly edgePort: string;
  /** The templates and bundles that this cloud runs. */
  readonly assembly: string;
  readonly logs: string;
}

/** Makes the directory. Throws DataDirUnwritable. */
export function openDataDirectory(root: string): DataDirectory {
  const logs = join(root, 'logs');
  try {
    mkdirSync(logs, { recursive: true });
    accessSync(root, constants.W_OK | constants.X_OK);
    accessSync(logs, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new HalError({
      name: 'DataDirUnwritable',
      message: `The data directory ${root} cannot be written: ${(cause as Error).message}.`,
      remedy: 'Name a directory that you may write with --data.',
      exit: 'unavailable',
      facts: { root },
      cause,
    });
  }
  return {
    root,
    flatStore: join(root, 'flat.sqlite'),
    flatOrigin: join(root, 'flat-origin.json'),
    tables: join(root, 'dynamodb.sqlite'),
    objects: join(root, 'objects'),
    engineState: join(root, 'state.json'),
    positions: join(root, 'positions.json'),
    assembly: join(root, 'assembly'),
    edgePort: join(root, 'edge-port'),
    logs,
  };
}
