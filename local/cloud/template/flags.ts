import type { AppConfigEngine } from '../../engines/ports.ts';
import { HalError } from '../../../lib/kernel/errors.ts';
import { optionalText, propertyAt, textAt } from './properties.ts';
import type { ResolvedResource } from './resolve.ts';

/** Attaches extensions and deploys first versions; call it when the functions that they invoke can run. */
export function ensureFlags(appConfig: AppConfigEngine, resources: readonly ResolvedResource[]): void {
  for (const association of ofType(resources, 'AWS::AppConfig::ExtensionAssociation')) {
    const parameters = propertyAt(association, 'Parameters') as Record<string, string> | undefined;
    appConfig.ensureAssociation(
      textAt(association, 'ExtensionIdentifier').replace(/^arn:.*:extension\/([^/]+).*$/, '$1'),
      textAt(association, 'ResourceIdentifier'),
      parameters,
    );
  }
  for (const deployment of ofType(resources, 'AWS::AppConfig::Deployment')) {
    const version = versionOf(deployment, resources);
    appConfig.ensureFirstVersion({
      applicationId: textAt(deployment, 'ApplicationId'),
      environmentId: textAt(deployment, 'EnvironmentId'),
      profileId: textAt(deployment, 'ConfigurationProfileId'),
      content: textAt(version, 'Content'),
      contentType: optionalText(version, 'ContentType') ?? 'application/json',
    });
  }
}

function versionOf(deployment: ResolvedResource, resources: readonly ResolvedResource[]): ResolvedResource {
  const profileId = textAt(deployment, 'ConfigurationProfileId');
  const versions = ofType(resources, 'AWS::AppConfig::HostedConfigurationVersion').filter(
    (version) => textAt(version, 'ConfigurationProfileId') === profileId,
  );
  const [version] = versions;
  if (version !== undefined && versions.length === 1) return version;
  throw new HalError({
    name: 'TemplateUnsupported',
    message: `${deployment.stackName}/${deployment.logicalId} needs exactly one hosted version of its profile; the templates have ${versions.length}.`,
    remedy:
      'Keep one HostedConfigurationVersion per profile in the CDK app; later versions are deployed by the product.',
    exit: 'unavailable',
    facts: { logicalId: deployment.logicalId, versions: versions.length },
  });
}

function ofType(resources: readonly ResolvedResource[], type: string): readonly ResolvedResource[] {
  return resources.filter((resource) => resource.type === type);
}
