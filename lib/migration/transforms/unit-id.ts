import { createHash } from 'node:crypto';

/** Namespace of all unit identities (a UUID of our own, made once). */
const namespace = Buffer.from('6f1d3b0a9c5e4d729a0bb7c8d5e4f312', 'hex');

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuid.test(text);
}

/**
 * Identity of a unit: the id itself when it is a UUID (in lower case), otherwise UUIDv5 of `serverId:id`, so that
 * every run and every reference to the unit gives the same one.
 */
export function unitIdOf(serverId: string, id: string): string {
  return isUuid(id) ? id.toLowerCase() : uuidV5(`${serverId}:${id}`);
}

function uuidV5(name: string): string {
  const bytes = createHash('sha1').update(namespace).update(name, 'utf8').digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
