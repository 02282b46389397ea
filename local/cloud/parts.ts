import type { SourceConfig } from '../../lib/config/source-config.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Child } from './child-process.ts';
import type { GenerateStore } from './flat-store.ts';

/** Addresses of the two systems under migration. */
export interface SystemAddresses {
  readonly flatUrl: string;
  readonly hierarchicalUrl: string;
  /** Where faults are injected into the hierarchical service. */
  readonly faultsUrl: string;
}

export interface RunningSystems extends SystemAddresses {
  /** null when somebody else runs them. */
  readonly child: Child | null;
}

/** What a local cloud is put together from besides the engines; replaced in tests. */
export interface CloudParts {
  /** Directory of the synthesized app. */
  assembly(onProgress: (line: string) => void): Promise<string>;
  generateStore(options: { readonly records: number; readonly seed: number }): GenerateStore;
  startSystems(setup: {
    readonly directory: DataDirectory;
    /** The flat store that they share with the migration. */
    readonly source: SourceConfig;
    readonly env: Readonly<Record<string, string>>;
  }): Promise<RunningSystems>;
}
