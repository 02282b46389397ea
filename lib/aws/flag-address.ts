import {
  type AppConfigClient,
  ListApplicationsCommand,
  ListConfigurationProfilesCommand,
  ListDeploymentStrategiesCommand,
  ListEnvironmentsCommand,
} from '@aws-sdk/client-appconfig';

import { HalError } from '../kernel/errors.ts';

/** Ids (the control plane knows no names) of where the flags live. */
export interface FlagAddress {
  readonly application: string;
  readonly environment: string;
  readonly profile: string;
  readonly strategy: string;
}

interface Named {
  readonly Id?: string | undefined;
  readonly Name?: string | undefined;
}

interface Page {
  readonly Items?: readonly Named[] | undefined;
  readonly NextToken?: string | undefined;
}

/** Finds the ids of these names. Throws a HalError `FlagsNotDeployed` that says which name is not there. */
export async function findFlagAddress(client: AppConfigClient, names: FlagAddress): Promise<FlagAddress> {
  const application = await findId('application', names.application, (NextToken) =>
    client.send(new ListApplicationsCommand({ NextToken })),
  );
  const inApplication = { ApplicationId: application };
  const [environment, profile, strategy] = await Promise.all([
    findId('environment', names.environment, (NextToken) =>
      client.send(new ListEnvironmentsCommand({ ...inApplication, NextToken })),
    ),
    findId('profile', names.profile, (NextToken) =>
      client.send(new ListConfigurationProfilesCommand({ ...inApplication, NextToken })),
    ),
    findId('strategy', names.strategy, (NextToken) =>
      client.send(new ListDeploymentStrategiesCommand({ NextToken })),
    ),
  ]);
  return { application, environment, profile, strategy };
}

async function findId(
  kind: string,
  name: string,
  list: (nextToken: string | undefined) => Promise<Page>,
): Promise<string> {
  let nextToken: string | undefined;
  do {
    const page = await list(nextToken);
    const found = page.Items?.find((item) => item.Name === name)?.Id;
    if (found !== undefined) return found;
    nextToken = page.NextToken;
  } while (nextToken !== undefined);
  throw new HalError({
    name: 'FlagsNotDeployed',
    message: `AppConfig has no ${kind} "${name}".`,
    remedy:
      'Deploy the stacks (or start the local cloud), or correct the name and the Region in the deploy file.',
    exit: 'unavailable',
    facts: { kind, name },
  });
}
