import {
  defaultFlagsDocument,
  featureNamePattern,
  instantPattern,
  longestName,
  longestReason,
  mostFeatures,
  unsafeNames,
} from './document.ts';
import { everybodyThousandths } from '../kernel/percent.ts';

const thousandthsSchema = { type: 'integer', minimum: 0, maximum: everybodyThousandths } as const;

/** JSON Schema (draft 4) with the same rules, for AppConfig's validator: a bad edit is refused before it is deployed. */
export const flagsJsonSchema = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  title: 'Traffic and feature flags of a migration',
  type: 'object',
  additionalProperties: false,
  required: Object.keys(defaultFlagsDocument),
  properties: {
    schemaVersion: { type: 'integer', enum: [1] },
    routingEpoch: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    killSwitch: { type: 'boolean' },
    hierarchicalEnabled: { type: 'boolean' },
    trafficThousandths: thousandthsSchema,
    shadow: {
      type: 'object',
      additionalProperties: false,
      required: ['enabled', 'sampleThousandths'],
      properties: { enabled: { type: 'boolean' }, sampleThousandths: thousandthsSchema },
    },
    features: {
      type: 'object',
      additionalProperties: false,
      maxProperties: mostFeatures,
      not: { anyOf: unsafeNames.map((name) => ({ required: [name] })) },
      patternProperties: {
        [featureNamePattern.source]: {
          type: 'object',
          additionalProperties: false,
          required: ['enabled', 'thousandths'],
          properties: { enabled: { type: 'boolean' }, thousandths: thousandthsSchema },
        },
      },
    },
    updatedBy: { type: 'string', minLength: 1, maxLength: longestName },
    updatedAt: { type: 'string', pattern: instantPattern.source },
    reason: { type: 'string', maxLength: longestReason },
  },
} as const;
