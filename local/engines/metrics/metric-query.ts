import { ApiFault } from '../api-fault.ts';
import type { WireObject } from '../ports.ts';
import { isObject, readInput } from '../wire-input.ts';
import type { Expression } from './expression.ts';
import { evaluateExpression, parseExpression, referencedIds } from './expression.ts';
import type { MetricName, MetricStore } from './metric-store.ts';
import { isStatistic, statisticOf } from './sample-set.ts';

/** One statistic of one metric, or an expression over other queries. */
export type MetricQuery =
  | {
      readonly kind: 'statistic';
      readonly id: string;
      readonly metric: MetricName;
      readonly statistic: string;
      readonly periodS: number;
      readonly returned: boolean;
    }
  | {
      readonly kind: 'expression';
      readonly id: string;
      readonly expression: Expression;
      readonly returned: boolean;
    };

export function invalidParameter(message: string): ApiFault {
  return new ApiFault('InvalidParameterValueException', 400, message);
}

/** Reads `MetricDataQueries` or an alarm's `Metrics`; throws InvalidParameterValueException. */
export function readQueries(entries: readonly WireObject[]): readonly MetricQuery[] {
  const queries = entries.map(readQuery);
  const ids = new Set(queries.map((query) => query.id));
  for (const query of queries) {
    const unknown =
      query.kind === 'expression' ? referencedIds(query.expression).find((id) => !ids.has(id)) : undefined;
    if (unknown !== undefined) {
      throw invalidParameter(
        `the expression of ${query.id} refers to ${unknown}, which is no metric of this request`,
      );
    }
  }
  return queries;
}

export function readDimensions(entries: readonly WireObject[]): Readonly<Record<string, string>> {
  const dimensions: Record<string, string> = {};
  for (const entry of entries) {
    const input = readInput(entry, 'InvalidParameterValueException');
    dimensions[input.text('Name')] = input.text('Value');
  }
  return dimensions;
}

/** Throws InvalidParameterValueException for a statistic that is not known here. */
export function knownStatistic(statistic: string): string {
  if (!isStatistic(statistic)) {
    throw invalidParameter(
      `statistic ${statistic} is not known; use Average, Sum, SampleCount, Minimum, Maximum or p0 to p100`,
    );
  }
  return statistic;
}

/** The value of one query over [fromMs, toMs); undefined for missing data. */
export function valueOver(
  store: MetricStore,
  queries: readonly MetricQuery[],
  id: string,
  span: { readonly fromMs: number; readonly toMs: number },
): number | undefined {
  const query = queries.find((candidate) => candidate.id === id);
  if (query === undefined) {
    return undefined;
  }
  if (query.kind === 'statistic') {
    return statisticOf(store.between(query.metric, span.fromMs, span.toMs), query.statistic);
  }
  // An expression that refers to itself would never end; without itself in scope it is simply missing.
  const others = queries.filter((candidate) => candidate.id !== id);
  return evaluateExpression(query.expression, (other) => valueOver(store, others, other, span));
}

function readQuery(entry: WireObject): MetricQuery {
  const input = readInput(entry, 'InvalidParameterValueException');
  const id = input.text('Id');
  const returned = input.optionalBoolean('ReturnData') ?? true;
  const expression = input.optionalText('Expression');
  if (expression !== undefined) {
    return { kind: 'expression', id, expression: parsed(expression), returned };
  }
  const stat = entry['MetricStat'];
  const metric = isObject(stat) ? stat['Metric'] : undefined;
  if (!isObject(stat) || !isObject(metric)) {
    throw invalidParameter(`metric ${id} has neither an Expression nor a MetricStat`);
  }
  const name = readInput(metric, 'InvalidParameterValueException');
  const statInput = readInput(stat, 'InvalidParameterValueException');
  return {
    kind: 'statistic',
    id,
    returned,
    metric: {
      namespace: name.text('Namespace'),
      name: name.text('MetricName'),
      dimensions: readDimensions(name.objects('Dimensions')),
    },
    statistic: knownStatistic(statInput.text('Stat')),
    periodS: statInput.number('Period'),
  };
}

function parsed(expression: string): Expression {
  try {
    return parseExpression(expression);
  } catch (error) {
    throw invalidParameter(error instanceof Error ? error.message : String(error));
  }
}
