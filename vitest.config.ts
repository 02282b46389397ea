import { defineConfig } from 'vitest/config';

const reportFile = process.env['HAL9_TEST_REPORT'];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // The whole demo wants both cores for itself: `npm run test:demo`.
    exclude: process.env['HAL9_TEST_DEMO'] === undefined ? ['test/journeys/demo.test.ts'] : [],
    // Two cores: integration suites start engines of their own, more workers only slow each other down.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: reportFile === undefined ? ['default'] : ['default', ['json', { outputFile: reportFile }]],
  },
});
