/** One Lambda function as the templates describe it. */
export interface FunctionSpec {
  readonly name: string;
  readonly arn: string;
  /** Absolute path of the bundled ES module. */
  readonly modulePath: string;
  /** Name of the export that is the handler. */
  readonly exportName: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** The whole environment of the function; nothing is inherited from this process. */
  readonly env: Readonly<Record<string, string>>;
  /** Workers at the same time; further invocations wait in line. */
  readonly maxConcurrency: number;
  /** Actions of its role, such as `dynamodb:PutItem`; unchecked when absent. */
  readonly allowedActions?: readonly string[];
  /** Nobody's request waits for it: it leaves the processor to those for whom somebody does. */
  readonly isBackground?: boolean;
}
