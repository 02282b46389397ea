import { sha256Hex } from '../../kernel/sha256.ts';
import { randomInt } from '../../kernel/random.ts';
import type { FlatRow } from '../row.ts';
import { chance, instant, mixedTimestamp, pick, rowRandom, uuid } from './sample.ts';
import { commonValues, createdAt, orNull, streams, userId, type World } from './world.ts';

const dayMs = 86_400_000;

export function userRow(world: World, index: number): FlatRow {
  const random = rowRandom(world.seed, streams.user, index);
  const name = `${pick(random, ['ada', 'Grace', 'jürgen', 'Алан', 'みさき', 'o’neil'])}.${index}`;
  return {
    id: userId(world, index),
    username: name,
    email: orNull(random, 0.2, `${index}@example.org`),
    role: pick(random, ['user', 'user', 'user', 'admin', 'guest']),
    is_active: chance(random, 0.95) ? 1n : 0n,
    last_login: orNull(
      random,
      0.3,
      mixedTimestamp(random, instant(random, world.nowMs - 30 * dayMs, world.nowMs)),
    ),
    created_at: createdAt(world, random),
    ...commonValues(world, random),
  };
}

export function sessionRow(world: World, index: number): FlatRow {
  const random = rowRandom(world.seed, streams.session, index);
  const isActive = chance(random, 0.7);
  const startedMs = instant(random, world.nowMs - 60 * dayMs, world.nowMs - dayMs);
  const expiresMs = isActive
    ? instant(random, world.nowMs + 9 * 365 * dayMs, world.nowMs + 18 * 365 * dayMs)
    : startedMs + dayMs;
  return {
    id: uuid(random),
    user_id: userId(world, randomInt(random, world.counts.user)),
    token_hash: sha256Hex(`${world.seed}:${index}`),
    ip: orNull(
      random,
      0.1,
      `10.${randomInt(random, 256)}.${randomInt(random, 256)}.${randomInt(random, 256)}`,
    ),
    user_agent: orNull(
      random,
      0.2,
      pick(random, ['Mozilla/5.0 (X11; Linux x86_64)', 'hal9-cli/1.4', 'curl/8.5']),
    ),
    region: orNull(random, 0.1, pick(random, ['us-west', 'eu-central', 'ap-south'])),
    data: orNull(random, 0.15, sessionData(index, random.next())),
    created_at: mixedTimestamp(random, startedMs),
    last_accessed_at: orNull(random, 0.1, mixedTimestamp(random, instant(random, startedMs, world.nowMs))),
    expires_at: mixedTimestamp(random, expiresMs),
    ...commonValues(world, random),
  };
}

/** Mostly as a serializer writes it, now and then by hand. */
function sessionData(index: number, draw: number): string {
  if (draw < 0.8) return `{"locale":"de","step":${index % 7},"theme":"dark"}`;
  if (draw < 0.9) return `{ "step" : ${index}.0, "theme": "dark" }`;
  return `{"cart":[${index},9007199254740993],"note":"caf\\u00e9"}`;
}
