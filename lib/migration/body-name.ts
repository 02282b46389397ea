/** What a large body is called: the day on which it was put (UTC), and the sha256 of its UTF-8 bytes. */
export interface BodyName {
  /** `2026-11-22`: in the order of the names is the order of the days. */
  readonly day: string;
  readonly sha256: string;
}

export const dayMs = 24 * 60 * 60 * 1000;

const pattern = /^(\d{4}-\d\d-\d\d)\/([0-9a-f]{64})$/;

export function bodyName({ putAtMs, sha256 }: { readonly putAtMs: number; readonly sha256: string }): string {
  return `${dayOf(putAtMs)}/${sha256}`;
}

export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

/** null when it is no name that a put gives. */
export function parseBodyName(name: string): BodyName | null {
  const [, day, sha256] = pattern.exec(name) ?? [];
  return day === undefined || sha256 === undefined ? null : { day, sha256 };
}
