/** A request on its way through the edge. Header names are in lower case. */
export interface EdgeRequest {
  readonly method: string;
  /** Path without the query string. */
  readonly uri: string;
  /** Raw, without `?`. */
  readonly querystring: string;
  readonly headers: EdgeHeaders;
}

export type EdgeHeaders = Readonly<Record<string, readonly string[]>>;

/** An answer that a function made itself. */
export interface GeneratedResponse {
  readonly status: number;
  readonly headers: EdgeHeaders;
  readonly body: Buffer;
}

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** From Node's flat list of names and values; what concerns one connection only is left out. */
export function headersFromRaw(rawHeaders: readonly string[]): EdgeHeaders {
  const headers: Record<string, string[]> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (!hopByHop.has(name)) (headers[name] ??= []).push(rawHeaders[index + 1] ?? '');
  }
  return headers;
}

export function withoutHeaders(headers: EdgeHeaders, drop: (name: string) => boolean): EdgeHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !drop(name)));
}

export function splitUrl(url: string): { uri: string; querystring: string } {
  const at = url.indexOf('?');
  return at < 0 ? { uri: url, querystring: '' } : { uri: url.slice(0, at), querystring: url.slice(at + 1) };
}
