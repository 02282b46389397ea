import type { ApiFault } from '../api-fault.ts';
import { functionNameOf } from '../arns.ts';
import type { FunctionHost, ProfileValidator } from '../ports.ts';
import type { HostedVersion, Profile } from './app-config-state.ts';
import { badRequest } from './app-config-state.ts';
import { validateJson } from './json-schema.ts';

/** Runs the validators of a profile; throws BadRequestException with the details of every fault. */
export async function validateContent(
  functions: FunctionHost,
  profile: Profile,
  version: HostedVersion,
): Promise<void> {
  const details: ValidationDetail[] = [];
  for (const validator of profile.validators) {
    details.push(
      ...(validator.Type === 'JSON_SCHEMA'
        ? schemaDetails(validator, version)
        : await functionDetails(functions, validator, profile, version)),
    );
  }
  if (details.length > 0) {
    throw invalid(profile, version, details);
  }
}

interface ValidationDetail {
  readonly Type: ProfileValidator['Type'];
  readonly Reason: string;
  readonly Location?: string;
  readonly Constraint?: string;
}

function invalid(profile: Profile, version: HostedVersion, details: readonly ValidationDetail[]): ApiFault {
  const reasons = details.map((detail) => `${detail.Location ?? ''} ${detail.Reason}`.trim());
  return badRequest(
    `version ${version.number} of ${profile.name} was refused by its validators: ${reasons.join('; ')}`,
    { Reason: 'InvalidConfiguration', Details: { InvalidConfiguration: details } },
  );
}

function schemaDetails(validator: ProfileValidator, version: HostedVersion): readonly ValidationDetail[] {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(version.contentBase64, 'base64').toString('utf8'));
  } catch {
    return [{ Type: 'JSON_SCHEMA', Constraint: 'JSON', Reason: 'the content is not JSON' }];
  }
  return validateJson(JSON.parse(validator.Content), document).map((fault) => ({
    Type: 'JSON_SCHEMA',
    Location: fault.location === '' ? '/' : fault.location,
    Reason: fault.reason,
  }));
}

async function functionDetails(
  functions: FunctionHost,
  validator: ProfileValidator,
  profile: Profile,
  version: HostedVersion,
): Promise<readonly ValidationDetail[]> {
  const answer = await functions.invoke(functionNameOf(validator.Content), {
    applicationId: profile.applicationId,
    configurationProfileId: profile.id,
    configurationVersion: String(version.number),
    content: version.contentBase64,
    uri: 'hosted',
  });
  if (answer.kind === 'returned') {
    return [];
  }
  const reason = answer.kind === 'missing' ? 'there is no such function' : answer.errorMessage;
  return [{ Type: 'LAMBDA', Constraint: validator.Content, Reason: reason }];
}
