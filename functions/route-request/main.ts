import {
  AppConfigDataClient,
  GetLatestConfigurationCommand,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';

import {
  assignmentOf,
  capAssignment,
  sendTo,
  type EdgeOrigin,
  type EdgeRequest,
} from '../../lib/router/edge-request.ts';
import { freshForMs, makeFlagsCopy } from '../../lib/router/flags-copy.ts';
import type { System } from '../../lib/router/system.ts';

/** Lambda@Edge has no environment: the bundler puts the configuration itself in the place of this name. */
declare const HAL9_EDGE_CONFIG: {
  readonly appConfig: {
    readonly application: string;
    readonly environment: string;
    readonly profile: string;
    readonly region: string;
  };
  readonly origins: Readonly<Record<System, EdgeOrigin>>;
};

/**
 * Origin request, in Lambda@Edge: sends the request to the system of its cohort, capped by this edge's own copy of
 * the flags. Whatever fails here ends on flat. Everything started is awaited: the sandbox freezes at return.
 */
const { appConfig, origins } = HAL9_EDGE_CONFIG;
const client = new AppConfigDataClient({ region: appConfig.region, maxAttempts: 1 });

const flags = makeFlagsCopy({
  clock: { nowMs: () => Date.now() },
  within,
  session: {
    async start(abortSignal) {
      const session = await client.send(
        new StartConfigurationSessionCommand({
          ApplicationIdentifier: appConfig.application,
          EnvironmentIdentifier: appConfig.environment,
          ConfigurationProfileIdentifier: appConfig.profile,
          // Left out, AppConfig refuses to be asked again within a minute.
          RequiredMinimumPollIntervalInSeconds: freshForMs / 1000,
        }),
        { abortSignal },
      );
      return session.InitialConfigurationToken ?? '';
    },
    async next(token, abortSignal) {
      const answer = await client.send(new GetLatestConfigurationCommand({ ConfigurationToken: token }), {
        abortSignal,
      });
      const content = answer.Configuration?.transformToString() ?? '';
      return { token: answer.NextPollConfigurationToken ?? '', content: content === '' ? null : content };
    },
  },
});

async function within<Result>(
  durationMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), durationMs);
  try {
    return await work(abort.signal);
  } finally {
    clearTimeout(timer);
  }
}

// Part of the sandbox's start. A sandbox that starts without flags sends everything to flat until it has some.
await flags.prime();

interface OriginRequestEvent {
  Records: [{ cf: { config: { requestId?: string }; request: EdgeRequest } }];
}

export async function handler(event: OriginRequestEvent): Promise<EdgeRequest> {
  const { request, config } = event.Records[0].cf;
  const system = await chooseSystem(request, config.requestId ?? '');
  sendTo(request, system, origins[system]);
  return request;
}

async function chooseSystem(request: EdgeRequest, requestId: string): Promise<System> {
  try {
    await flags.refresh();
    const assignment = assignmentOf(request, requestId);
    const system = capAssignment(assignment, flags.current());
    if (assignment.cohort === system) return system;
    // The copy takes away what the viewer function has given: a fresh look tells which of them is late.
    await flags.refreshOnDoubt();
    return capAssignment(assignment, flags.current());
  } catch {
    return 'flat';
  }
}
