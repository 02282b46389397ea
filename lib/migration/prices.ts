/** On-demand prices of one Region in USD. */
export interface Prices {
  readonly region: string;
  readonly perMillionWriteUnits: number;
  readonly perMillionReadUnits: number;
  readonly storagePerGbMonth: number;
  readonly perMillionQueueRequests: number;
  readonly functionPerGbSecond: number;
  /** Since when these hold, as far as the source says. */
  readonly asOf: string;
  readonly source: string;
}

const source =
  'AWS price pages for DynamoDB on-demand, SQS and Lambda; the DynamoDB prices are those since the reduction of 1 November 2024. Check them before a decision rests on them';

const northVirginia: Prices = {
  region: 'us-east-1',
  perMillionWriteUnits: 0.625,
  perMillionReadUnits: 0.125,
  storagePerGbMonth: 0.25,
  perMillionQueueRequests: 0.4,
  functionPerGbSecond: 0.0000166667,
  asOf: '2024-11-01',
  source,
};

const known: readonly Prices[] = [
  northVirginia,
  { ...northVirginia, region: 'us-east-2' },
  { ...northVirginia, region: 'us-west-2' },
];

/** The Region's own prices, or those of us-east-1 under that name when the Region's are not known here. */
export function pricesOf(region: string): Prices {
  return known.find((prices) => prices.region === region) ?? northVirginia;
}
