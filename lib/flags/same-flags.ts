import { canonicalJson } from '../kernel/canonical-json.ts';
import type { FlagsDocument } from './document.ts';

/** True when two documents differ in their stamp (who, when, why) at most. */
export function saysTheSame(left: FlagsDocument, right: FlagsDocument): boolean {
  return withoutStamp(left) === withoutStamp(right);
}

function withoutStamp(document: FlagsDocument): string {
  return canonicalJson({ ...document, updatedBy: '', updatedAt: '', reason: '' });
}
