/**
 * Physical names by convention: the CDK app gives them, the local cloud and the CLI find them again.
 * `prefix` is the migration's name from the deploy file, `hal9` unless it says otherwise.
 */
export interface ResourceNames {
  readonly tables: {
    readonly state: string;
    readonly authority: string;
    readonly progress: string;
    readonly reversePending: string;
    readonly quarantine: string;
    readonly control: string;
    readonly shadow: string;
    readonly editions: string;
  };
  /** Bucket names are the world's: the account and the Region are added to this one. */
  readonly backupBucket: string;
  readonly queues: { readonly ranges: string; readonly changes: string; readonly shadowSamples: string };
  readonly outcomeStream: string;
  readonly workflow: string;
  readonly flags: {
    readonly application: string;
    readonly environment: string;
    readonly profile: string;
    readonly strategy: string;
  };
  readonly routeStore: string;
  /** Lambda function name of a folder under `functions/`. */
  functionName(folder: string): string;
}

export function resourceNames(prefix: string): ResourceNames {
  const name = (suffix: string): string => `${prefix}-migrate-${suffix}`;
  return {
    tables: {
      state: name('state'),
      authority: name('authority'),
      progress: name('progress'),
      reversePending: name('reverse-pending'),
      quarantine: name('quarantine'),
      control: name('control'),
      shadow: name('shadow'),
      editions: name('editions'),
    },
    backupBucket: `${prefix}-backup`,
    queues: { ranges: name('ranges'), changes: name('changes'), shadowSamples: name('shadow-samples') },
    outcomeStream: name('outcomes'),
    workflow: name('phases'),
    flags: {
      application: name('flags'),
      environment: 'live',
      profile: 'routing',
      strategy: name('immediate'),
    },
    routeStore: name('routes'),
    functionName: name,
  };
}

/** CloudWatch namespace of every metric that the product emits. */
export const metricNamespace = 'Hal9Migrate';
