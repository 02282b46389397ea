/** The two systems that a request may be sent to. */
export type System = 'flat' | 'hierarchical';

export function isSystem(value: unknown): value is System {
  return value === 'flat' || value === 'hierarchical';
}
