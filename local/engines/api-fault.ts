/** An error of an AWS API: `code` is the exception's name, which is how the SDK finds its class. */
export class ApiFault extends Error {
  override readonly name = 'ApiFault';
  readonly code: string;
  readonly status: number;
  /** Members of the exception besides its message. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    status: number,
    message: string,
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.status = status;
    this.members = members;
  }
}

export function notImplemented(operation: string): ApiFault {
  return new ApiFault(
    'NotImplementedException',
    501,
    `the local cloud does not implement ${operation}; it carries only what hal9-migrate uses`,
  );
}
