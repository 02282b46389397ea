import * as z from 'zod/mini';

import { categories } from '../../lib/migration/category.ts';
import {
  makeSwitchAuthority,
  type SwitchAuthorityDeps,
  type SwitchResult,
} from '../../lib/migration/switch-authority.ts';

const requestSchema = z.object({
  category: z.enum(categories),
  to: z.enum(['flat', 'hierarchical']),
  action: z.optional(z.enum(['switch', 'abort'])),
  requestedBy: z.string().check(z.minLength(1)),
});

/** Moves the authority of one category, or gives up a switch that has not opened the new side yet. */
export function makeHandler(deps: SwitchAuthorityDeps): (event: unknown) => Promise<SwitchResult> {
  const switchAuthority = makeSwitchAuthority(deps);
  return (event) => {
    const { action, ...request } = requestSchema.parse(event);
    return action === 'abort' ? switchAuthority.abort(request.category) : switchAuthority.switchTo(request);
  };
}
