/**
 * MurmurHash3 (x86, 32 bit) of the UTF-8 bytes of `text`, as an unsigned integer; `seed` is 0 where nobody says otherwise.
 *
 * Written for CloudFront Functions as much as for Node: no TextEncoder, no typed array, nothing allocated. A lone
 * surrogate counts as U+FFFD, which is what every UTF-8 encoder makes of it.
 */
export function murmur3(text: string, seed: number): number {
  let hash = seed | 0;
  let block = 0;
  let byteCount = 0;
  const length = text.length;
  for (let index = 0; index < length; index++) {
    let codePoint = text.charCodeAt(index);
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) {
      codePoint = surrogatePair(text, index);
      if (codePoint > 0xffff) index++;
    }
    // The UTF-8 form of the code point as a little-endian number: its first byte is the lowest.
    let bytes = codePoint < 0x80 ? codePoint : utf8(codePoint);
    let remaining = codePoint < 0x80 ? 1 : utf8Length(codePoint);
    while (remaining > 0) {
      block |= (bytes & 0xff) << ((byteCount & 3) << 3);
      bytes >>>= 8;
      remaining--;
      byteCount++;
      if ((byteCount & 3) === 0) {
        hash = Math.imul(rotateLeft(hash ^ mixBlock(block), 13), 5) + 0xe6546b64;
        block = 0;
      }
    }
  }
  if ((byteCount & 3) !== 0) hash ^= mixBlock(block);
  return avalanche(hash ^ byteCount);
}

function surrogatePair(text: string, index: number): number {
  const high = text.charCodeAt(index);
  const low = text.charCodeAt(index + 1);
  const isPair = high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff;
  return isPair ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
}

function utf8Length(codePoint: number): number {
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

function utf8(codePoint: number): number {
  const last = 0x80 | (codePoint & 0x3f);
  if (codePoint < 0x800) return 0xc0 | (codePoint >> 6) | (last << 8);
  const middle = 0x80 | ((codePoint >> 6) & 0x3f);
  if (codePoint < 0x10000) return 0xe0 | (codePoint >> 12) | (middle << 8) | (last << 16);
  const second = 0x80 | ((codePoint >> 12) & 0x3f);
  return 0xf0 | (codePoint >> 18) | (second << 8) | (middle << 16) | (last << 24);
}

function mixBlock(block: number): number {
  return Math.imul(rotateLeft(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593);
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function avalanche(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
