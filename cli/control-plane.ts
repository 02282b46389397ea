import { HalError } from '../lib/kernel/errors.ts';
import type { Connection } from './connection.ts';
import { withKnownFaults } from './function-faults.ts';

/** The ports of the control plane for one target, and what else the deployment says about itself. */
export type CliControlPlane = Awaited<ReturnType<typeof openControlPlane>>;

/**
 * Reads the deployment's own settings from its functions (no second list of ids to keep) and opens the ports.
 * Throws NotDeployed when the functions are not there.
 */
export async function openControlPlane(connection: Connection) {
  const [
    { makeControlPlane },
    { makeWorkflow },
    { makeHealthProbe },
    lambda,
    sfn,
    { clientDefaults },
    { parseControl },
  ] = await Promise.all([
    import('../lib/aws/control-plane.ts'),
    import('../lib/aws/workflow.ts'),
    import('../lib/aws/health-probe.ts'),
    import('@aws-sdk/client-lambda'),
    import('@aws-sdk/client-sfn'),
    import('../lib/aws/clients.ts'),
    import('./control-settings.ts'),
  ]);
  const settings = { region: connection.region };
  const client = new lambda.LambdaClient(clientDefaults(settings));
  const environmentOf = async (folder: string): Promise<Record<string, string>> => {
    try {
      const FunctionName = connection.names.functionName(folder);
      const { Environment } = await client.send(new lambda.GetFunctionConfigurationCommand({ FunctionName }));
      return Environment?.Variables ?? {};
    } catch (cause) {
      if ((cause as Error).name === 'ResourceNotFoundException') throw notDeployed(connection, cause);
      throw cause;
    }
  };
  const [control, origins] = await Promise.all([environmentOf('roll-back'), environmentOf('check-health')]);
  const stepFunctions = new sfn.SFNClient(clientDefaults(settings));
  const { stateMachines } = await stepFunctions.send(new sfn.ListStateMachinesCommand({ maxResults: 1000 }));
  const machine = stateMachines?.find(({ name }) => name === connection.names.workflow);
  if (machine?.stateMachineArn === undefined) throw notDeployed(connection);
  const ports = makeControlPlane(parseControl(control), settings);
  const urls = {
    flat: origins['FLAT_ORIGIN_URL'] ?? '',
    hierarchical: origins['HIERARCHICAL_ORIGIN_URL'] ?? '',
  };
  return {
    ...ports,
    invoker: withKnownFaults(ports.invoker),
    workflow: makeWorkflow({ client: stepFunctions, stateMachineArn: machine.stateMachineArn }),
    origins: urls,
    probe: makeHealthProbe({ origins: urls }),
  };
}

function notDeployed(connection: Connection, cause?: unknown): HalError {
  return new HalError({
    name: 'NotDeployed',
    message: `${connection.deploy.name} is not deployed in ${connection.kind === 'aws' ? connection.region : 'the local cloud'}.`,
    remedy:
      connection.kind === 'aws'
        ? 'Deploy it with `npx cdk deploy --all`, or correct the name and the Region in the deploy file.'
        : 'Start the local cloud again: `hal9-migrate local down`, then `hal9-migrate local up --detach`.',
    exit: 'unavailable',
    cause,
  });
}
