const lanes = 8;

/** Of no content. */
export const emptySum = '0'.repeat(lanes * 8);

/** Adds sha256 hashes to a sum of such hashes, in any order: eight lanes modulo 2^32, as hex. */
export function addToSum(sum: string, hashes: readonly Buffer[]): string {
  const bytes = Buffer.from(sum, 'hex');
  for (const hash of hashes) {
    for (let lane = 0; lane < lanes * 4; lane += 4) {
      bytes.writeUInt32BE((bytes.readUInt32BE(lane) + hash.readUInt32BE(lane)) >>> 0, lane);
    }
  }
  return bytes.toString('hex');
}
