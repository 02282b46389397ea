import type { Gateway, GatewayWrite } from '../../lib/gateway/outcome.ts';
import { readLive } from '../../lib/gateway/read-live.ts';
import { parseExactJson } from '../../lib/kernel/canonical-json.ts';
import type { Clock } from '../../lib/kernel/clock.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { decodeKey, encodeKey } from '../../lib/migration/key.ts';
import type { RecordVersion } from '../../lib/migration/record.ts';
import type { FlatRow, RecordKey } from '../../lib/migration/row.ts';
import type { MigratedTable } from '../../lib/migration/table-lookup.ts';
import { failure, success, type Answer } from './answer.ts';
import { parseRow, presentRow } from './api-row.ts';
import { tableOfCollection } from './collections.ts';

export type System = 'flat' | 'hierarchical';

export interface RecordsApi {
  /** `readBody` is asked for PUT only; null stands for a body that is too large. */
  answer(method: string, path: string, readBody: () => Promise<string | null>): Promise<Answer>;
}

/**
 * `/api/v1/{collection}/{id}`: the same API over both forms of a record. The flat system shows the row that the
 * gateway gives; the hierarchical system makes its own form of it first and shows that. `/api/v1/live/{collection}/{id}`
 * answers, to a GET, what is live: a session that is over lets nobody in.
 */
export function makeRecordsApi(deps: {
  system: System;
  gateway: Gateway;
  definition: MigrationDefinition;
  clock: Clock;
}): RecordsApi {
  const { system, gateway, clock } = deps;

  const read = async (table: MigratedTable, key: RecordKey): Promise<Answer> => {
    const outcome = await gateway.read(key);
    if (outcome.kind === 'unavailable') return unavailable(outcome);
    if (outcome.row === null) return failure(404, 'NotFound', `there is no ${key.recordType} ${key.id}`);
    const shown = system === 'flat' ? { row: outcome.row, headers: {} } : shownByLayers(table, outcome.row);
    return success(presentRow(table, shown.row), { ...shown.headers, ...etag(outcome.version) });
  };

  /** What lets somebody in, as opposed to what is stored: a session that is over is not there. */
  const readOnlyLive = async (table: MigratedTable, key: RecordKey): Promise<Answer> => {
    const outcome = await readLive({ gateway, clock }, key);
    if (outcome.kind === 'unavailable') return unavailable(outcome);
    if (outcome.kind === 'live') return success(presentRow(table, outcome.row));
    return failure(404, 'NotLive', `there is no live ${key.recordType} ${key.id}`);
  };

  const shownByLayers = (table: MigratedTable, row: FlatRow): { row: FlatRow; headers: Headers } => {
    const conversion = table.transform.convert(row, { nowMs: clock.nowMs() });
    if (conversion.kind === 'rejected') return { row, headers: {} };
    const { body } = conversion.record;
    return { row: table.transform.restore(body), headers: layerHeader(body) };
  };

  const put = async (table: MigratedTable, key: RecordKey, body: string | null): Promise<Answer> => {
    if (body === null) return failure(413, 'BodyTooLarge', 'the body is too large');
    const parsed = parseBody(body);
    if (parsed === undefined) return failure(400, 'InvalidJson', 'the body is not JSON');
    const parsedRow = parseRow(table, key.id, parsed);
    if (parsedRow.kind === 'invalid') return failure(400, 'InvalidRow', parsedRow.message);
    const outcome = await gateway.write(key, parsedRow.row);
    return written(outcome, presentRow(table, parsedRow.row));
  };

  return {
    async answer(method, path, readBody) {
      const live = /^\/api\/v1\/live(\/.+)$/.exec(path)?.[1];
      const target = targetOf(deps.definition, live === undefined ? path : `/api/v1${live}`);
      if (target.kind === 'refused') return target.answer;
      const { table, key } = target;
      if (live !== undefined) return method === 'GET' ? await readOnlyLive(table, key) : onlyGet();
      if (method === 'GET' || method === 'HEAD') return await read(table, key);
      if (method === 'PUT') return await put(table, key, await readBody());
      if (method === 'DELETE') return written(await gateway.write(key, null), null);
      return failure(405, 'MethodNotAllowed', `${method} is not allowed here`, {
        allow: 'GET, HEAD, PUT, DELETE',
      });
    },
  };
}

type Headers = Readonly<Record<string, string>>;

type Target =
  | { readonly kind: 'record'; readonly table: MigratedTable; readonly key: RecordKey }
  | { readonly kind: 'refused'; readonly answer: Answer };

function targetOf(definition: MigrationDefinition, path: string): Target {
  const [, collection, encodedId] = /^\/api\/v1\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const table = tableOfCollection(definition, collection ?? '');
  if (table === undefined || encodedId === undefined) {
    return { kind: 'refused', answer: failure(404, 'NotFound', `there is nothing at ${path}`) };
  }
  const id = decodeId(encodedId, table);
  if (id === null) {
    return { kind: 'refused', answer: failure(400, 'InvalidId', `${encodedId} is no key of ${collection}`) };
  }
  return { kind: 'record', table, key: { recordType: table.recordType, id } };
}

/** null unless it is exactly what `encodeKey` makes of as many parts as the key has columns. */
function decodeId(encodedId: string, table: MigratedTable): string | null {
  try {
    const id = decodeURIComponent(encodedId);
    const parts = decodeKey(id);
    return parts.length === table.keyColumns.length && encodeKey(parts) === id ? id : null;
  } catch {
    return null;
  }
}

/** undefined: not JSON. */
function parseBody(body: string): unknown {
  try {
    return parseExactJson(body);
  } catch {
    return undefined;
  }
}

function written(outcome: GatewayWrite, data: unknown): Answer {
  if (outcome.kind === 'written') return success(data, etag(outcome.version));
  if (outcome.kind === 'rejected') return failure(422, outcome.errorName, outcome.message);
  if (outcome.kind === 'unavailable') return unavailable(outcome);
  return failure(504, 'OutcomeUnknown', outcome.message);
}

function onlyGet(): Answer {
  return failure(405, 'MethodNotAllowed', 'only GET is allowed here', { allow: 'GET' });
}

function unavailable(outcome: { readonly retryAfterMs: number }): Answer {
  return failure(503, 'AuthorityMoving', 'this state is moving to its other store; try again', {
    'retry-after': String(Math.ceil(outcome.retryAfterMs / 1_000)),
  });
}

function etag(version: RecordVersion | null): Headers {
  return version === null ? {} : { etag: `"${version.epoch}.${version.sequence}"` };
}

function layerHeader(body: unknown): Headers {
  const layer = (body as { layer?: unknown } | null)?.layer;
  return typeof layer === 'string' ? { 'x-hal9-layer': layer } : {};
}
