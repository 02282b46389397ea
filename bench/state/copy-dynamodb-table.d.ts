declare module 'copy-dynamodb-table' {
  export function copy(
    options: unknown,
    done: (fault: Error | null, result: { readonly count: number }) => void,
  ): void;
}
