// Cost of one edge decision, warm, against a plain murmur3 loop in the same run. `--json` for machines.
import { decideRoute } from '../lib/router/decide-route.ts';
import { formatRoutes, parseRoutes, type Routes } from '../lib/router/routes.ts';
import { subjectMark } from '../lib/router/subject.ts';

const routes: Routes = {
  routingEpoch: 3,
  version: 17,
  killSwitch: false,
  hierarchicalEnabled: true,
  trafficThousandths: 25_000,
};
const routesText = formatRoutes(routes);
const subjects = Array.from({ length: 4096 }, () => `user:${crypto.randomUUID()}`);

/** The hash as one would write it first, ASCII only: the floor that no salted decision can be below. */
function plainMurmur3(text: string): number {
  let hash = 0;
  let index = 0;
  for (; index + 4 <= text.length; index += 4) {
    const block =
      text.charCodeAt(index) |
      (text.charCodeAt(index + 1) << 8) |
      (text.charCodeAt(index + 2) << 16) |
      (text.charCodeAt(index + 3) << 24);
    hash ^= scramble(block);
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = text.length - 1; at >= index; at--) tail = (tail << 8) | text.charCodeAt(at);
  hash ^= scramble(tail) ^ text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scramble(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

interface Contender {
  readonly name: string;
  /** Returns a number so that nothing is optimised away. */
  readonly run: (subject: string) => number;
}

const contenders: readonly Contender[] = [
  { name: 'plain murmur3', run: (subject) => plainMurmur3(`traffic:${subject}`) },
  { name: 'decideRoute', run: (subject) => decideRoute({ subject }, routes).bucket },
  {
    name: 'whole viewer decision',
    run: (subject) => decideRoute({ subject }, parseRoutes(routesText)).bucket + subjectMark(subject).length,
  },
];

const rounds = 11;
const roundMs = 100;
let sink = 0;

/** Nanoseconds per call in one round. */
function measure({ run }: Contender): number {
  const startedAt = performance.now();
  let calls = 0;
  while (performance.now() - startedAt < roundMs) {
    for (const subject of subjects) sink += run(subject);
    calls += subjects.length;
  }
  return ((performance.now() - startedAt) * 1e6) / calls;
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const samples = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
for (const contender of contenders) measure(contender);
// Interleaved, so that a busy machine slows all of them alike.
for (let round = 0; round < rounds; round++) {
  for (const contender of contenders) samples.get(contender.name)?.push(measure(contender));
}

const floorNs = median(samples.get('plain murmur3') ?? []);
const results = contenders.map(({ name }) => {
  const nsPerDecision = median(samples.get(name) ?? []);
  return { name, nsPerDecision, timesPlainMurmur3: nsPerDecision / floorNs };
});
const slowestNs = Math.max(...results.map((result) => result.nsPerDecision));
const withinBudget = slowestNs < 5_000;

if (process.argv.includes('--json')) {
  console.log(
    JSON.stringify({ bench: 'edge-decision', budgetNs: 5_000, withinBudget, results, sink: sink > 0 }),
  );
} else {
  for (const { name, nsPerDecision, timesPlainMurmur3 } of results) {
    console.log(
      `${name.padEnd(24)}${nsPerDecision.toFixed(0).padStart(8)} ns${timesPlainMurmur3.toFixed(2).padStart(8)} x`,
    );
  }
  console.log(`budget 5,000 ns: ${withinBudget ? 'kept' : 'exceeded'}`);
}
process.exitCode = withinBudget ? 0 : 1;
