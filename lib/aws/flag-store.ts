import {
  BadRequestException,
  ConflictException,
  CreateHostedConfigurationVersionCommand,
  GetDeploymentCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  ListHostedConfigurationVersionsCommand,
  ResourceNotFoundException,
  StartDeploymentCommand,
  StopDeploymentCommand,
  type AppConfigClient,
  type DeploymentState,
  type DeploymentSummary,
} from '@aws-sdk/client-appconfig';

import type { Clock, Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { formatFlagsDocument, parseFlagsDocument, type FlagsDocument } from '../flags/document.ts';
import type { DeployedFlags, FlagStore, FlagWrite, FlagWriteOutcome } from '../flags/ports.ts';
import { saysTheSame } from '../flags/same-flags.ts';
import type { FlagAddress } from './flag-address.ts';

export interface FlagStoreDeps {
  readonly client: AppConfigClient;
  readonly address: FlagAddress;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
  /** How long a write may take altogether; 30 s when left out. */
  readonly deadlineMs?: number;
}

const defaultDeadlineMs = 30_000;
const pollEveryMs = 250;

/** In force, or about to be without any further step: our strategy deploys all at once and bakes no time. */
const inForce: ReadonlySet<DeploymentState | undefined> = new Set(['COMPLETE', 'BAKING']);
const underWay: ReadonlySet<DeploymentState | undefined> = new Set([
  'DEPLOYING',
  'VALIDATING',
  'BAKING',
  'ROLLING_BACK',
]);

interface Environment {
  readonly flags: DeployedFlags;
  readonly latestDeployment: number;
  readonly busyWith: number | null;
}

type Attempt = FlagWriteOutcome | { readonly kind: 'contended'; readonly busyWith: number | null };

/**
 * Flags by AppConfig's control plane. Two writers meet twice, and each time one of them is refused and looks again:
 * when creating the version (`LatestVersionNumber`) and when starting the deployment (`LatestDeploymentNumber`).
 * So an edit is always made on the flags in force, and a routing epoch seen there is still the one that is replaced.
 */
export function makeFlagStore(deps: FlagStoreDeps): FlagStore {
  const { client, address, clock, sleeper } = deps;
  const profile = { ApplicationId: address.application, ConfigurationProfileId: address.profile };
  const environment = { ApplicationId: address.application, EnvironmentId: address.environment };

  async function listDeployments(): Promise<readonly DeploymentSummary[]> {
    const deployments: DeploymentSummary[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ListDeploymentsCommand({ ...environment, NextToken, MaxResults: 50 }),
      );
      deployments.push(...(page.Items ?? []));
      NextToken = page.NextToken;
      // Newest first by documentation; the flags in force are nearly always on the first page.
    } while (NextToken !== undefined && !deployments.some((each) => inForce.has(each.State)));
    return deployments.toSorted(
      (left, right) => (right.DeploymentNumber ?? 0) - (left.DeploymentNumber ?? 0),
    );
  }

  async function readVersion(version: number): Promise<FlagsDocument> {
    const answer = await client.send(
      new GetHostedConfigurationVersionCommand({ ...profile, VersionNumber: version }),
    );
    return parseFlagsDocument(new TextDecoder().decode(answer.Content));
  }

  async function look(): Promise<Environment> {
    const deployments = await listDeployments();
    const current = deployments.find((each) => inForce.has(each.State));
    if (current === undefined) throw flagsMissing(address);
    const version = Number(current.ConfigurationVersion);
    return {
      flags: {
        document: await readVersion(version),
        version,
        deploymentNumber: current.DeploymentNumber ?? 0,
      },
      latestDeployment: deployments[0]?.DeploymentNumber ?? 0,
      busyWith: deployments.find((each) => underWay.has(each.State))?.DeploymentNumber ?? null,
    };
  }

  async function latestVersion(): Promise<number> {
    const page = await client.send(
      new ListHostedConfigurationVersionsCommand({ ...profile, MaxResults: 50 }),
    );
    return Math.max(0, ...(page.Items ?? []).map((item) => item.VersionNumber ?? 0));
  }

  async function createVersion(document: FlagsDocument): Promise<number> {
    const latest = await latestVersion();
    const created = await client.send(
      new CreateHostedConfigurationVersionCommand({
        ...profile,
        Content: new TextEncoder().encode(formatFlagsDocument(document)),
        ContentType: 'application/json',
        LatestVersionNumber: latest,
        Description: document.reason.slice(0, 1000),
      }),
    );
    return created.VersionNumber ?? latest + 1;
  }

  async function startDeployment(version: number, after: number): Promise<number> {
    const started = await client.send(
      new StartDeploymentCommand({
        ...environment,
        ConfigurationProfileId: address.profile,
        DeploymentStrategyId: address.strategy,
        ConfigurationVersion: String(version),
        LatestDeploymentNumber: after,
      }),
    );
    return started.DeploymentNumber ?? after + 1;
  }

  async function attempt(write: FlagWrite, deadlineAtMs: number): Promise<Attempt> {
    const before = await look();
    const { document } = before.flags;
    if (write.expectedRoutingEpoch !== undefined && document.routingEpoch !== write.expectedRoutingEpoch) {
      return { kind: 'epoch-moved', routingEpoch: document.routingEpoch };
    }
    if (before.busyWith !== null) return { kind: 'contended', busyWith: before.busyWith };
    const edited = write.edit(document);
    if (saysTheSame(document, edited)) return { kind: 'unchanged', flags: before.flags };
    try {
      const version = await createVersion(edited);
      const deploymentNumber = await startDeployment(version, before.latestDeployment);
      return await settle({ document: edited, version, deploymentNumber }, deadlineAtMs);
    } catch (fault) {
      if (isRace(fault)) return { kind: 'contended', busyWith: null };
      throw fault;
    }
  }

  /** Waits until the deployment is in force or taken back. */
  async function settle(flags: DeployedFlags, deadlineAtMs: number): Promise<FlagWriteOutcome> {
    const startedAtMs = clock.nowMs();
    for (;;) {
      const answer = await client.send(
        new GetDeploymentCommand({ ...environment, DeploymentNumber: flags.deploymentNumber }),
      );
      if (inForce.has(answer.State)) return { kind: 'deployed', flags };
      if (!underWay.has(answer.State)) {
        return { kind: 'rolled-back', deploymentNumber: flags.deploymentNumber };
      }
      const nowMs = clock.nowMs();
      if (nowMs + pollEveryMs > deadlineAtMs) return { kind: 'timed-out', waitedMs: nowMs - startedAtMs };
      await sleeper.sleep(pollEveryMs);
    }
  }

  /** Makes way for an urgent write. A deployment that ended meanwhile is what was wanted. */
  async function stop(deploymentNumber: number): Promise<void> {
    try {
      await client.send(new StopDeploymentCommand({ ...environment, DeploymentNumber: deploymentNumber }));
    } catch (fault) {
      const hasEnded = fault instanceof BadRequestException || fault instanceof ResourceNotFoundException;
      if (!hasEnded && !isRace(fault)) throw fault;
    }
  }

  return {
    async readFlags() {
      return (await look()).flags;
    },
    async writeFlags(write) {
      const startedAtMs = clock.nowMs();
      const deadlineAtMs = startedAtMs + (deps.deadlineMs ?? defaultDeadlineMs);
      for (;;) {
        const outcome = await attempt(write, deadlineAtMs);
        if (outcome.kind !== 'contended') return outcome;
        const nowMs = clock.nowMs();
        if (nowMs + pollEveryMs > deadlineAtMs) return { kind: 'timed-out', waitedMs: nowMs - startedAtMs };
        if (write.urgent === true && outcome.busyWith !== null) await stop(outcome.busyWith);
        await sleeper.sleep(pollEveryMs);
      }
    },
  };
}

/** Somebody else created a version or started a deployment first. */
function isRace(fault: unknown): boolean {
  return fault instanceof ConflictException;
}

function flagsMissing(address: FlagAddress): HalError {
  return new HalError({
    name: 'FlagsMissing',
    message: `No flags are in force in environment ${address.environment} of application ${address.application}.`,
    remedy: 'Deploy the control stack: it deploys the first document, with everything off.',
    exit: 'unavailable',
    facts: { ...address },
  });
}
