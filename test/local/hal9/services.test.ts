import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { recordPath } from '../../../local/hal9/collections.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { keyOfRow } from '../../../lib/memory/flat-store.ts';
import { hal9Row } from './hal9-rows.ts';
import { startMemoryServices } from './memory-services.ts';

let hal9: Awaited<ReturnType<typeof startMemoryServices>>;

beforeEach(async () => {
  hal9 = await startMemoryServices({ rowsPerTable: 3 });
});

afterEach(async () => {
  await hal9.services.close();
});

interface Envelope {
  readonly success: boolean;
  readonly data: Record<string, unknown> | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

async function call(url: string, path: string, init?: RequestInit) {
  const response = await fetch(`${url}${path}`, init);
  return { status: response.status, headers: response.headers, body: (await response.json()) as Envelope };
}

function put(body: unknown): RequestInit {
  return { method: 'PUT', body: typeof body === 'string' ? body : JSON.stringify(body) };
}

const paths = hal9Definition.tables.map((table) => {
  const key = keyOfRow(table, hal9Row(table.recordType, 1));
  return [table.recordType, recordPath(table.recordType, key.id)] as const;
});

test.each(paths)('both systems give the same answer about a %s', async (_recordType, path) => {
  const flat = await call(hal9.flatUrl, path);
  const hierarchical = await call(hal9.hierarchicalUrl, path);

  expect(flat).toMatchObject({ status: 200, body: { success: true, error: null } });
  expect(hierarchical.body).toEqual(flat.body);
  expect(flat.headers.get('x-hal9-served-by')).toBe('flat');
  expect(hierarchical.headers.get('x-hal9-served-by')).toBe('hierarchical');
});

test.each(paths)('a %s that is read can be put back as it is', async (_recordType, path) => {
  const before = await call(hal9.flatUrl, path);

  const answer = await call(hal9.hierarchicalUrl, path, put(before.body.data));
  const after = await call(hal9.flatUrl, path);

  expect(answer).toMatchObject({ status: 200, body: before.body });
  expect(after.body).toEqual(before.body);
});

test('the hierarchical system tells the layer of a neuron', async () => {
  const answer = await call(hal9.hierarchicalUrl, '/api/v1/neurons/neuron-1');

  expect(answer.headers.get('x-hal9-layer')).toBe('cognitive');
});

test('integers beyond a double are texts and come back whole', async () => {
  const answer = await call(hal9.flatUrl, '/api/v1/learning/learning-1');

  expect(answer.body.data).toMatchObject({
    access_count: '9007199254740993',
    embedding: { $b: 'AAAAPw==' },
    importance: 0.5,
  });
});

test('a deleted row is gone, may be deleted again and inserted again', async () => {
  const path = '/api/v1/sessions/session-1';
  const { body } = await call(hal9.flatUrl, path);

  const deleted = await call(hal9.flatUrl, path, { method: 'DELETE' });
  const again = await call(hal9.flatUrl, path, { method: 'DELETE' });
  const missing = await call(hal9.hierarchicalUrl, path);
  await call(hal9.flatUrl, path, put(body.data));
  const back = await call(hal9.hierarchicalUrl, path);

  expect([deleted.status, again.status, missing.status]).toEqual([200, 200, 404]);
  expect(missing.body.error?.code).toBe('NotFound');
  expect(back.body).toEqual(body);
});

test('a session that is over is stored, and lets nobody in', async () => {
  const [stored, live] = ['/api/v1/sessions/session-1', '/api/v1/live/sessions/session-1'];
  const { body } = await call(hal9.flatUrl, stored);
  const before = await call(hal9.hierarchicalUrl, live);

  await call(hal9.flatUrl, stored, put({ ...(body.data as object), expires_at: 0 }));
  const found = await Promise.all(
    [hal9.flatUrl, hal9.hierarchicalUrl].map(async (url) => [
      (await call(url, stored)).status,
      (await call(url, live)).status,
    ]),
  );
  const written = await call(hal9.flatUrl, live, put(body.data));

  expect([before.status, before.body.data]).toEqual([200, body.data]);
  expect(found).toEqual([
    [200, 404],
    [200, 404],
  ]);
  expect(written.status).toBe(405);
});

test('the version of a record is its entity tag once the hierarchical store owns it', async () => {
  const path = '/api/v1/users/user-1';
  const { body, headers } = await call(hal9.flatUrl, path);
  await hal9.switchToHierarchical(2);

  await call(hal9.flatUrl, path, put(body.data));
  const after = await call(hal9.flatUrl, path);

  expect(headers.get('etag')).toBeNull();
  expect(after.headers.get('etag')).toBe('"2.1"');
  expect(after.body).toEqual(body);
});

describe('bad requests', () => {
  test.each([
    ['/api/v1/planets/1', {}, 404],
    ['/api/v1/sessions', {}, 404],
    ['/api/v2/sessions/1', {}, 404],
    ['/', {}, 404],
    ['/api/v1/sessions/%zz', {}, 400],
    ['/api/v1/connections/neuron-1', {}, 400],
    ['/api/v1/sessions/session-1', { method: 'POST', body: '{}' }, 405],
    ['/api/v1/sessions/session-1', put('{'), 400],
    ['/api/v1/sessions/session-1', put([]), 400],
    ['/api/v1/sessions/session-1', put({ user_id: 'user-1' }), 400],
    ['/api/v1/sessions/session-1', put('x'.repeat(1_100_000)), 413],
  ])('%s with %j is refused', async (path, init, status) => {
    const answer = await call(hal9.flatUrl, path, init);

    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ success: false, data: null });
    expect(answer.body.error?.message).not.toBe('');
  });

  test('a row of another key or with a null where none may be is refused with every fault', async () => {
    const { body } = await call(hal9.flatUrl, '/api/v1/sessions/session-1');

    const answer = await call(
      hal9.flatUrl,
      '/api/v1/sessions/session-1',
      put({ ...body.data, id: 'session-2', token_hash: null, expires_at: { $x: 1 } }),
    );

    expect(answer.status).toBe(400);
    expect(answer.body.error?.message).toMatch(/id.*token_hash.*expires_at/);
  });

  test('a row without a hierarchical form is refused once the hierarchical store owns it', async () => {
    const path = '/api/v1/config/server%7Climits%2Fcpu%20%25251';
    const { body } = await call(hal9.flatUrl, path);
    await hal9.switchToHierarchical(2);

    const answer = await call(hal9.flatUrl, path, put({ ...body.data, value: 'no JSON' }));

    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'InvalidJson' } } });
  });
});

async function inject(fault: unknown): Promise<void> {
  const response = await fetch(`${hal9.adminUrl}/faults`, { method: 'POST', body: JSON.stringify(fault) });
  expect(response.status).toBe(200);
}

async function clear(): Promise<void> {
  await fetch(`${hal9.adminUrl}/faults`, { method: 'DELETE' });
}

describe('injected faults', () => {
  test('errors meet the hierarchical system only, until they are cleared', async () => {
    await inject({ kind: 'errors', rate: 1 });

    const broken = await call(hal9.hierarchicalUrl, '/api/v1/users/user-1');
    const flat = await call(hal9.flatUrl, '/api/v1/users/user-1');
    await clear();
    const mended = await call(hal9.hierarchicalUrl, '/api/v1/users/user-1');

    expect([broken.status, flat.status, mended.status]).toEqual([500, 200, 200]);
  });

  test('a failing health check leaves requests alone', async () => {
    await inject({ kind: 'health' });

    const health = await call(hal9.hierarchicalUrl, '/health');
    const flatHealth = await call(hal9.flatUrl, '/health');
    const user = await call(hal9.hierarchicalUrl, '/api/v1/users/user-1');

    expect([health.status, flatHealth.status, user.status]).toEqual([503, 200, 200]);
    expect(flatHealth.body.data).toMatchObject({ status: 'healthy' });
  });

  test('a request that hangs and is given up has no effect later', async () => {
    const path = '/api/v1/sessions/session-1';
    await inject({ kind: 'hang' });

    const abandoned = fetch(`${hal9.hierarchicalUrl}${path}`, {
      method: 'DELETE',
      signal: AbortSignal.timeout(50),
    });
    await expect(abandoned).rejects.toMatchObject({ name: 'TimeoutError' });
    const waiting = call(hal9.hierarchicalUrl, '/api/v1/users/user-1');
    await clear();

    expect((await waiting).status).toBe(200);
    expect((await call(hal9.flatUrl, path)).status).toBe(200);
  });

  test('what is no fault is refused', async () => {
    const response = await fetch(`${hal9.adminUrl}/faults`, { method: 'POST', body: '{"kind":"fire"}' });

    expect(response.status).toBe(400);
  });
});
