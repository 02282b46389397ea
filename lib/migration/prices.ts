/** On-demand prices of one Region in USD. */
export interface Prices {
  readonly region: string;
  readonly perMillionWriteUnits: number;
  readonly perMillionReadUnits: number;
  readonly storagePerGbMonth: number;
  readonly perMillionQueueRequests: number;
  readonly functionPerGbSecond: number;
  /** Since when these hold, or the day of the price list, as far as the source says. */
  readonly asOf: string;
  readonly source: string;
}

const check = 'Check them before a decision rests on them';

const northVirginia: Prices = {
  region: 'us-east-1',
  perMillionWriteUnits: 0.625,
  perMillionReadUnits: 0.125,
  storagePerGbMonth: 0.25,
  perMillionQueueRequests: 0.4,
  functionPerGbSecond: 0.0000166667,
  asOf: '2024-11-01',
  source: `AWS price pages for DynamoDB on-demand, SQS and Lambda; the DynamoDB prices are those since the reduction of 1 November 2024. ${check}`,
};

/**
 * From the AWS Price List (offers AmazonDynamoDB, AWSQueueService and AWSLambda of the Region), as other public
 * repositories quote it with its publication date. SQS and Lambda cost the same in all of these Regions.
 */
function listed(region: string, publishedOn: string, dynamo: Pick<Prices, DynamoPrice>): Prices {
  const source = `AWS Price List of ${region}, published ${publishedOn}. ${check}`;
  return { ...northVirginia, ...dynamo, region, asOf: publishedOn, source };
}

type DynamoPrice = 'perMillionWriteUnits' | 'perMillionReadUnits' | 'storagePerGbMonth';

const known: readonly Prices[] = [
  northVirginia,
  { ...northVirginia, region: 'us-east-2' },
  { ...northVirginia, region: 'us-west-2' },
  listed('eu-west-1', '2026-08-15', {
    perMillionWriteUnits: 0.705,
    perMillionReadUnits: 0.1415,
    storagePerGbMonth: 0.283,
  }),
  listed('eu-central-1', '2026-08-15', {
    perMillionWriteUnits: 0.7625,
    perMillionReadUnits: 0.1525,
    storagePerGbMonth: 0.306,
  }),
  listed('ap-northeast-1', '2026-09-11', {
    perMillionWriteUnits: 0.715,
    perMillionReadUnits: 0.1425,
    storagePerGbMonth: 0.285,
  }),
];

/** null for a Region whose prices are not known here: another's would only look like an answer. */
export function pricesOf(region: string): Prices | null {
  return known.find((prices) => prices.region === region) ?? null;
}
