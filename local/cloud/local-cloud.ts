import type { Engines } from '../engines/ports.ts';
import type { CloudEndpoints } from './cloud-file.ts';

/** How a local cloud is to be started. */
export interface LocalCloudOptions {
  readonly dataDir: string;
  /** SQLite file that becomes the flat store (it is copied, never written), or URL of a PostgreSQL database or of DynamoDB tables, used where they are. */
  readonly sourceFile?: string;
  /** Of a generated store. */
  readonly records?: number;
  readonly seed?: number;
  /** Port of the edge; 0 (default) takes a free one. */
  readonly port?: number;
  /** 1 (default) is real time. */
  readonly timeScale?: number;
  /** Requests per second of background traffic; 0 (default) is none. */
  readonly trafficRate?: number;
  /** More environment for the process of the HAL9 services. */
  readonly serviceEnv?: Readonly<Record<string, string>>;
  readonly onProgress?: (line: string) => void;
}

/** A local cloud that runs in this process (its engine and services in children of it). */
export interface LocalCloud {
  readonly dataDir: string;
  readonly endpoints: CloudEndpoints;
  /** What the SDK reads; put it into `process.env` of whoever talks to this cloud. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeScale: number;
  readonly engines: Engines;
  /** Path of the flat store. */
  readonly flatStore: string;
  /** Chaos: ends every sandbox of the function in the middle of what it does. Returns how many there were. */
  killFunction(functionName: string): Promise<number>;
  /** Edge function failures since the start; their requests were sent to the flat origin. */
  edgeFunctionFailures(): number;
  /** Resolves with the reason when a part of the cloud died by itself. */
  readonly failed: Promise<string>;
  /** Ends everything in order; the data stays. Idempotent. */
  stop(): Promise<void>;
}
