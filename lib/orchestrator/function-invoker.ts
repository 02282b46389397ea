/** Calls one of the product's functions and waits for its answer. Adapter: `lib/aws/function-invoker.ts`. */
export interface FunctionInvoker {
  /** Throws a HalError `FunctionFailed` with the function's own fault when it failed. */
  invoke(folder: string, payload: unknown): Promise<unknown>;
}
