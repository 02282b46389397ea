/**
 * What the embedded AWS engines take from the rest of the local cloud, and what they give to it beyond their HTTP API.
 * The API is for the product's code; these interfaces are for whoever builds the cloud from the templates.
 * Every `ensure...` is idempotent by name: called again after a restart it keeps what the snapshot brought back.
 */

/** What a Lambda function answered; a failure of the function is an answer, not an exception. */
export type InvokeAnswer =
  | { readonly kind: 'returned'; readonly payload: unknown }
  | {
      readonly kind: 'failed';
      readonly errorType: string;
      readonly errorMessage: string;
      readonly trace: readonly string[];
    }
  | { readonly kind: 'missing' };

export interface FunctionSummary {
  readonly name: string;
  readonly runtime: string;
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutS: number;
  readonly environment?: Readonly<Record<string, string>>;
}

/** The Lambda runtime of the local cloud. Names are plain function names, never ARNs. */
export interface FunctionHost {
  invoke(functionName: string, payload: unknown): Promise<InvokeAnswer>;
  list(): readonly FunctionSummary[];
}

/** Time of the local cloud, in milliseconds since the Unix epoch: never behind the machine's clock, and never going back. */
export interface VirtualClock {
  readonly timeScale: number;
  /** Waits that begin from now on are compressed by `timeScale`. */
  setTimeScale(timeScale: number): void;
  nowMs(): number;
  /** How far ahead of the machine's clock it is. */
  offsetMs(): number;
  /** Puts the clock forward to `atMs`; earlier times are ignored. */
  jumpTo(atMs: number): void;
  /** Waits `durationMs / timeScale` of real time, then puts the clock where an unscaled wait would have ended. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** Something that failed in the background, where no caller waits for the answer. */
export interface EngineFault {
  readonly engine: string;
  readonly message: string;
}

/** JSON as the AWS APIs spell it: PascalCase members, timestamps as seconds. */
export type WireObject = Readonly<Record<string, unknown>>;

export interface EngineOptions {
  readonly functions: FunctionHost;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 1: as AWS behaves. */
  readonly timeScale?: number;
  /** JSON file that survives a killed cloud; without it nothing is kept. */
  readonly stateFile?: string;
  /** Real milliseconds that a scaled alarm period never goes below; default 1000. */
  readonly minBucketMs?: number;
  /** Real milliseconds between two evaluations of the alarms; default 1000, 250 when time is scaled. */
  readonly alarmTickMs?: number;
  /** Called for alarm actions that are SNS topics. */
  readonly onNotification?: (topicArn: string, message: string) => void;
  readonly onFault?: (fault: EngineFault) => void;
}

// ---- AppConfig

export type ActionPoint =
  | 'PRE_CREATE_HOSTED_CONFIGURATION_VERSION'
  | 'PRE_START_DEPLOYMENT'
  | 'ON_DEPLOYMENT_START'
  | 'ON_DEPLOYMENT_STEP'
  | 'ON_DEPLOYMENT_BAKING'
  | 'ON_DEPLOYMENT_COMPLETE'
  | 'ON_DEPLOYMENT_ROLLED_BACK';

export interface ExtensionAction {
  readonly Name: string;
  /** Lambda function ARN. */
  readonly Uri: string;
  readonly RoleArn?: string;
  readonly Description?: string;
}

export interface ProfileValidator {
  readonly Type: 'JSON_SCHEMA' | 'LAMBDA';
  /** The schema as text, or the ARN of the function. */
  readonly Content: string;
}

export interface StrategySettings {
  readonly name: string;
  readonly deploymentDurationMinutes: number;
  readonly growthFactor: number;
  readonly finalBakeMinutes: number;
  readonly growthType?: 'LINEAR' | 'EXPONENTIAL';
}

/** Ids below are what CloudFormation's `Ref` gives. */
export interface AppConfigEngine {
  ensureApplication(name: string): string;
  ensureEnvironment(
    applicationId: string,
    name: string,
    monitors: readonly { readonly AlarmArn: string }[],
  ): string;
  ensureProfile(
    applicationId: string,
    profile: {
      readonly name: string;
      readonly type?: string;
      readonly validators: readonly ProfileValidator[];
    },
  ): string;
  ensureStrategy(settings: StrategySettings): string;
  ensureExtension(
    name: string,
    actions: Partial<Record<ActionPoint, readonly ExtensionAction[]>>,
    parameters?: Readonly<Record<string, string>>,
  ): string;
  /** `resourceArn` of an application, environment or profile. */
  ensureAssociation(
    extensionId: string,
    resourceArn: string,
    parameters?: Readonly<Record<string, string>>,
  ): string;
  /** Version 1 of a profile, deployed at once, unless the profile already has a version. */
  ensureFirstVersion(target: {
    readonly applicationId: string;
    readonly environmentId: string;
    readonly profileId: string;
    readonly content: string;
    readonly contentType: string;
  }): void;
  applicationArn(applicationId: string): string;
  environmentArn(applicationId: string, environmentId: string): string;
  profileArn(applicationId: string, profileId: string): string;
  /** The content that a fresh session would get, by ids or names. */
  deployedContent(application: string, environment: string, profile: string): string | undefined;
  /** Called when a deployment starts or is rolled back. */
  onDeployment(
    listener: (deployment: { readonly environmentId: string; readonly state: string }) => void,
  ): void;
}

// ---- CloudWatch

export type AlarmStateValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface AlarmChange {
  readonly alarmName: string;
  readonly alarmArn: string;
  readonly from: AlarmStateValue;
  readonly to: AlarmStateValue;
  readonly reason: string;
  readonly atMs: number;
}

export interface AlarmEngine {
  /** `alarm` is spelled as in PutMetricAlarm (and as in the template). Its state survives when the definition is the same. Returns the ARN. */
  ensureAlarm(alarm: WireObject): string;
  stateOf(alarmNameOrArn: string): AlarmStateValue | undefined;
  /** Samples taken before now no longer count for this alarm: call it when a step starts or a rollback happened. */
  resetWindow(alarmName: string): void;
  onChange(listener: (change: AlarmChange) => void): void;
  /** One evaluation of every alarm, for tests; the engine calls it by itself every tick. */
  evaluate(): Promise<void>;
}

/** One metric value put from inside the process; `timestampMs` is real time, default now. */
interface MetricSample {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestampMs?: number;
}

export interface MetricEngine {
  put(sample: MetricSample): void;
}

// ---- CloudFront KeyValueStore

export interface KeyValueEngine {
  /** Returns the ARN. Items are put only into a store that does not exist yet. */
  ensureStore(name: string, items?: Readonly<Record<string, string>>): string;
  /** What a CloudFront Function sees. */
  get(storeNameOrArn: string, key: string): string | undefined;
  onChange(listener: (storeArn: string) => void): void;
}

// ---- Kinesis

export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: Uint8Array;
  readonly arrivedAtMs: number;
}

export interface StreamSubscription {
  readonly batchSize: number;
  /** Real milliseconds to wait for a full batch. */
  readonly batchWindowMs?: number;
  /** Called with one batch at a time, in order; a rejection gives the same batch again (at least once). */
  readonly onRecords: (records: readonly StreamRecord[]) => Promise<void>;
  /** Attempts before a batch is dropped and reported as a fault; default 10. */
  readonly maxAttempts?: number;
}

export interface StreamEngine {
  /** Returns the ARN. */
  ensureStream(name: string): string;
  put(streamNameOrArn: string, partitionKey: string, data: Uint8Array): void;
  /** Returns how to stop; stopping waits for the batch in hand. */
  subscribe(streamNameOrArn: string, subscription: StreamSubscription): { stop(): Promise<void> };
  /** Injected loss, 0..1 of all records, taken evenly: records are acknowledged and never delivered. */
  lose(streamNameOrArn: string, share: number): void;
}

// ---- Step Functions

export interface WorkflowEngine {
  /** `definition` is Amazon States Language (JSONPath) with every intrinsic function of the template resolved. Returns the ARN. */
  ensureStateMachine(name: string, definition: WireObject): string;
  /** Executions that have not ended. */
  running(): readonly string[];
}

// ---- EventBridge schedules

export interface Scheduler {
  /** `rate(5 minutes)`; the interval is divided by the time scale, with a floor of one real second. The first run comes after one interval. Runs of one rule never overlap. */
  every(name: string, rate: string, run: () => Promise<void>): void;
}

export interface Engines {
  readonly url: string;
  readonly port: number;
  /** AWS_ENDPOINT_URL_... of every service of this gateway. */
  readonly env: Readonly<Record<string, string>>;
  readonly clock: VirtualClock;
  readonly appConfig: AppConfigEngine;
  readonly metrics: MetricEngine;
  readonly alarms: AlarmEngine;
  readonly keyValues: KeyValueEngine;
  readonly streams: StreamEngine;
  readonly workflows: WorkflowEngine;
  readonly scheduler: Scheduler;
  /** Ends schedules, deployments, executions and the server, and writes the snapshot. */
  close(): Promise<void>;
}
