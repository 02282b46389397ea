/** Every metric of the product, in one list: what is emitted, alarmed on, judged and shown uses these names. */
export const metricNames = {
  requests: 'Requests',
  /** Requests that the system answered with a 5xx status or not at all. */
  errors: 'Errors',
  latency: 'LatencyMs',
  /** 1 for a failed check, 0 for a passed one. */
  healthCheckFailed: 'HealthCheckFailed',
  fallbacks: 'Fallbacks',
  shadowCompared: 'ShadowCompared',
  shadowMatched: 'ShadowMatched',
  shadowCritical: 'ShadowCritical',
  /** How long writers of a category waited at a switch of its authority. */
  writerStall: 'WriterStallMs',
  /** Records of the follower that differ from the authority's, in one comparison of both sides. */
  stateDifferences: 'StateDifferences',
  /** 1 when the share of differing records reached the alert threshold of the settings, else 0. */
  stateDrift: 'StateDrift',
  /** How much of its own log the server of the flat store keeps for the migration. */
  heldLog: 'HeldLogBytes',
  /** The same in percent of what it may keep; 100 when it gave the log up, 0 where it keeps none. */
  heldLogShare: 'HeldLogPercent',
} as const;

export type MetricName = (typeof metricNames)[keyof typeof metricNames];

/** Value of the dimension `System`. */
export type MeasuredSystem = 'flat' | 'hierarchical';

export const systemDimension = 'System';
