import { defineConfig } from 'vitest/config';

const reportFile = process.env['HAL9_TEST_REPORT'];
const wholeDemo = 'test/journeys/demo.test.ts';

export default defineConfig({
  test: {
    // Two cores: integration suites start engines of their own, more workers only slow each other down.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: reportFile === undefined ? ['default'] : ['default', ['json', { outputFile: reportFile }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: [wholeDemo],
          sequence: { groupOrder: 0 },
        },
      },
      // The whole demo wants both cores for itself: it comes last.
      { extends: true, test: { name: 'demo', include: [wholeDemo], sequence: { groupOrder: 1 } } },
    ],
  },
});
