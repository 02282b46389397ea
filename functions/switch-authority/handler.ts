import * as z from 'zod/mini';

import {
  makeSwitchAuthority,
  type SwitchAuthorityDeps,
  type SwitchResult,
} from '../../lib/migration/switch-authority.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

/** Moves the authority of one category, or gives up a switch that has not opened the new side yet. */
export function makeHandler(deps: SwitchAuthorityDeps): (event: unknown) => Promise<SwitchResult> {
  const requestSchema = z.object({
    category: z.enum(categoriesOf(deps.definition)),
    to: z.enum(['flat', 'hierarchical']),
    action: z.optional(z.enum(['switch', 'abort'])),
    requestedBy: z.string().check(z.minLength(1)),
  });
  const switchAuthority = makeSwitchAuthority(deps);
  return (event) => {
    const { action, ...request } = requestSchema.parse(event);
    return action === 'abort' ? switchAuthority.abort(request.category) : switchAuthority.switchTo(request);
  };
}
