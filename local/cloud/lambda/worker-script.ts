import { buildSync } from 'esbuild';
import { fileURLToPath } from 'node:url';

let script: URL | null = null;

/**
 * The worker as one plain script, made once. Two dozen threads that each strip types would each load the compiler
 * that does it, and keep it: ten megabytes and thirty milliseconds a sandbox.
 */
export function workerScript(): URL {
  script ??= bundle();
  return script;
}

function bundle(): URL {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL('worker.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    // A trace names this instead of the whole script.
    footer: { js: '//# sourceURL=hal9-lambda-worker.mjs' },
  });
  return new URL(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? '')}`);
}
