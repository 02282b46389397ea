import { cpus } from 'node:os';

export const unitsLimit =
  'AWS: 40,000 write units/s per table by default, 4,000 when cold, 1,000 per partition key; 1,234,567 records of 1 KB take 30.9 s';
export const scanLimit = 'AWS: 154,000 read units for 1,234,567 records of 1 KB, 12.9 s of a cold table';
export const cpuLimit = `here: ${cpus().length} cores for the client and the engine together`;
