import { execFileSync } from 'node:child_process';

import { expect, test } from 'vitest';
import * as z from 'zod/mini';

const report = z.object({
  summary: z.object({ totalCruised: z.number(), violations: z.array(z.unknown()) }),
});

test('every import keeps to .dependency-cruiser.json, and the checker saw the modules', () => {
  const folders = ['cdk', 'functions', 'lib', 'cli', 'local', 'test'];

  const json = execFileSync(
    'node_modules/.bin/depcruise',
    ['--config', '.dependency-cruiser.json', '--output-type', 'json', ...folders],
    { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
  );

  const { summary } = report.parse(JSON.parse(json));
  expect(summary.violations).toEqual([]);
  // A cruiser that lost its TypeScript parser sees no files and finds no faults.
  expect(summary.totalCruised).toBeGreaterThan(150);
});
