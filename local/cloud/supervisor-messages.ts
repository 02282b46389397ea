/** From a detached supervisor to whoever started it. */
export type SupervisorReport =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** null when the fault is none that an operator can act on. */
      readonly fault: {
        readonly name: string;
        readonly remedy: string;
        readonly exit: string;
        readonly facts: Readonly<Record<string, unknown>>;
      } | null;
    };

/** Name of the environment variable with the options of the cloud, as JSON. */
export const optionsVariable = 'HAL9_LOCAL_CLOUD_OPTIONS';
