import type { TableInFile } from '../migration-file.ts';
import { json, optional, text, timestamp } from '../transforms/columns.ts';
import { flag, identity, measure, variant } from '../transforms/server-columns.ts';
import { shapedTable } from '../transforms/shaped-table.ts';

/** Metrics and audit of a running server, the audit in each of its three shapes. */
export const serverOperations: readonly TableInFile[] = [
  shapedTable({
    recordType: 'metric',
    table: 'metrics_aggregate',
    mapping: 'server',
    order: 1,
    key: ['id'],
    columns: [
      identity('id', 'metric_id'),
      text('metric_name', 'name'),
      optional(text('neuron_id', 'metadata.original_neuron')),
      measure('value', 'value'),
      optional(json('labels', 'labels', {})),
      timestamp('timestamp', 'recorded_at'),
    ],
  }),
  shapedTable({
    recordType: 'audit-event',
    table: 'audit_log',
    mapping: 'server',
    order: 2,
    key: ['id'],
    columns: [
      identity('id', 'event_id'),
      text('action', 'action'),
      optional(identity('user_id', 'actor')),
      optional(text('resource_type', 'resource.type')),
      optional(text('resource_id', 'resource.id')),
      variant(text('details', 'details')),
      variant(text('ip', 'client.ip')),
      variant(text('ip_address', 'client.ip_address')),
      variant(text('user_agent', 'client.user_agent')),
      variant(timestamp('created_at', 'metadata.created_at')),
      variant(timestamp('timestamp', 'recorded_at')),
      variant(text('organization_id', 'metadata.organization_id')),
      variant(text('session_id', 'session_id')),
      variant(measure('risk_score', 'risk_score')),
      variant(text('status', 'status')),
      variant(flag('success', 'success')),
      variant(text('error_message', 'error_message')),
    ],
  }),
];
