import { randomInt } from '../../kernel/random.ts';
import { rowRandom } from './sample.ts';
import { streams, type World } from './world.ts';

/** Neurons are wired in blocks, so that the degree of each follows from its index alone and the sum is exact. */
const blockSize = 40;

/** Rows of the connection table whose source is this neuron. The first of a block is its hub. */
export function degreeOf(world: World, index: number): number {
  const { neuron, connection } = world.counts;
  const block = Math.floor(index / blockSize);
  const first = block * blockSize;
  const size = Math.min(blockSize, neuron - first);
  const share = (upTo: number): number => Math.floor((upTo * connection) / neuron);
  const quota = share(first + size) - share(first);
  const random = rowRandom(world.seed, streams.block, block);
  const hub = size === 1 ? quota : Math.min(11 + randomInt(random, 6), quota >> 1);
  if (index === first) return hub;
  const others = size - 1;
  const rest = quota - hub;
  // Turned by a random step, so that it is not always the last ones that are isolated.
  const place = (index - first - 1 + randomInt(random, others)) % others;
  return Math.floor(rest / others) + (place < rest % others ? 1 : 0);
}

export function isHub(index: number): boolean {
  return index % blockSize === 0;
}
