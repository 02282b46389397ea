import { hash } from 'node:crypto';

/** Lower-case hex digest of bytes, or of the UTF-8 bytes of a text. */
export function sha256Hex(text: string | Uint8Array): string {
  return hash('sha256', text, 'hex');
}

/** The digest as its 32 bytes. */
export function sha256Bytes(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
