import {
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
  type AppConfigDataClient,
} from '@aws-sdk/client-appconfigdata';

import { parseFlagsDocument, type FlagsDocument } from '../flags/document.ts';
import type { FlagReader } from '../flags/ports.ts';
import type { Clock } from '../kernel/clock.ts';

export interface FlagLocation {
  /** Id or name; the data plane takes either. */
  readonly application: string;
  readonly environment: string;
  readonly profile: string;
}

const freshForMs = 15_000;
const retryAfterMs = 1_000;

/**
 * The flags in force now, by a session of its own. Throws what the SDK throws, and a HalError `FlagsInvalid`;
 * null when nothing is deployed.
 */
export async function readDeployedFlags(
  client: AppConfigDataClient,
  location: FlagLocation,
): Promise<FlagsDocument | null> {
  const token = await startSession(client, location);
  const answer = await client.send(new GetLatestConfigurationCommand({ ConfigurationToken: token }));
  const content = answer.Configuration?.transformToString() ?? '';
  return content === '' ? null : parseFlagsDocument(content);
}

/** A cached reader: one session, asked as often as AppConfig allows, and the last good copy whenever that fails. */
export function makeFlagReader(deps: {
  readonly client: AppConfigDataClient;
  readonly location: FlagLocation;
  readonly clock: Clock;
}): FlagReader {
  const { client, location, clock } = deps;
  let copy: FlagsDocument | null = null;
  let token: string | null = null;
  let refreshAtMs = 0;

  /** Returns when to ask again, in milliseconds. */
  async function refresh(): Promise<number> {
    const used = token ?? (await startSession(client, location));
    token = null;
    const answer = await client.send(new GetLatestConfigurationCommand({ ConfigurationToken: used }));
    token = answer.NextPollConfigurationToken ?? null;
    const content = answer.Configuration?.transformToString() ?? '';
    if (content !== '') copy = parseFlagsDocument(content);
    return 1_000 * (answer.NextPollIntervalInSeconds ?? freshForMs / 1_000);
  }

  return {
    async read() {
      const nowMs = clock.nowMs();
      if (nowMs < refreshAtMs) return copy;
      refreshAtMs = nowMs + freshForMs;
      try {
        refreshAtMs = nowMs + (await refresh());
      } catch {
        refreshAtMs = nowMs + retryAfterMs;
      }
      return copy;
    },
  };
}

async function startSession(client: AppConfigDataClient, location: FlagLocation): Promise<string> {
  const session = await client.send(
    new StartConfigurationSessionCommand({
      ApplicationIdentifier: location.application,
      EnvironmentIdentifier: location.environment,
      ConfigurationProfileIdentifier: location.profile,
      // Left out, AppConfig refuses to be asked again within a minute.
      RequiredMinimumPollIntervalInSeconds: freshForMs / 1000,
    }),
  );
  return session.InitialConfigurationToken ?? '';
}
