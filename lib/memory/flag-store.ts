import { defaultFlagsDocument, type FlagsDocument } from '../flags/document.ts';
import type { FlagReader, FlagStore } from '../flags/ports.ts';
import { saysTheSame } from '../flags/same-flags.ts';

/** Flags in memory: a write is in force at once, and every version is kept for whoever checks a history. */
export function makeFlagStore(
  initial: FlagsDocument = defaultFlagsDocument,
): FlagStore & FlagReader & { readonly history: readonly FlagsDocument[] } {
  const history: FlagsDocument[] = [initial];
  const current = (): FlagsDocument => history.at(-1) ?? initial;
  const deployed = () => ({ document: current(), version: history.length, deploymentNumber: history.length });

  return {
    history,
    read: async () => current(),
    readFlags: async () => deployed(),
    async writeFlags({ edit, expectedRoutingEpoch }) {
      const document = current();
      if (expectedRoutingEpoch !== undefined && document.routingEpoch !== expectedRoutingEpoch) {
        return { kind: 'epoch-moved', routingEpoch: document.routingEpoch };
      }
      const edited = edit(document);
      if (saysTheSame(document, edited)) return { kind: 'unchanged', flags: deployed() };
      history.push(edited);
      return { kind: 'deployed', flags: deployed() };
    },
  };
}
