/** The package has types, but not where its manifest says. */
declare module 'asl-validator' {
  function validate(definition: unknown): { readonly isValid: boolean; errorsText(): string };
  export = validate;
}
