import { ApiFault } from '../api-fault.ts';
import type { ApiRequest } from '../api-service.ts';
import type { HostedVersion, Profile } from './app-config-state.ts';
import { badRequest, conflict } from './app-config-state.ts';
import type { ActionDeps } from './extension-actions.ts';
import { runPreActions } from './extension-actions.ts';

const largestContent = 1024 * 1024;

/** Adds a version; throws ConflictException when `Latest-Version-Number` is given and is not the latest. */
export async function createVersion(
  deps: ActionDeps & { readonly onMutation: () => void },
  profile: Profile,
  request: ApiRequest,
): Promise<HostedVersion> {
  const { headers, body } = request;
  refuseSize(body);
  const contentType = headers['content-type'] ?? 'application/octet-stream';
  const members = { Content: body.toString('base64'), ContentType: contentType };
  await runPreActions(deps, 'PRE_CREATE_HOSTED_CONFIGURATION_VERSION', { profile }, members);
  // Checked after the only wait, in one go with the push, so that two writers cannot both pass.
  refuseStale(profile, headers['latest-version-number']);
  refuseLabel(profile, headers['versionlabel']);
  const version: HostedVersion = {
    number: (profile.versions.at(-1)?.number ?? 0) + 1,
    contentBase64: members.Content,
    contentType,
    ...(headers['description'] !== undefined && { description: headers['description'] }),
    ...(headers['versionlabel'] !== undefined && { label: headers['versionlabel'] }),
  };
  profile.versions.push(version);
  deps.onMutation();
  return version;
}

function refuseSize(body: Buffer): void {
  if (body.length === 0) {
    throw badRequest('the content of a configuration version must not be empty');
  }
  if (body.length > largestContent) {
    throw new ApiFault('PayloadTooLargeException', 413, `content of ${body.length} bytes is over 1 MB`, {
      Limit: 1,
      Measure: 'KILOBYTES',
      Size: Math.ceil(body.length / 1024),
    });
  }
}

function refuseStale(profile: Profile, expected: string | undefined): void {
  const latest = profile.versions.at(-1)?.number ?? 0;
  if (expected !== undefined && Number(expected) !== latest) {
    throw conflict(`the latest version of ${profile.name} is ${latest}, not ${expected}`);
  }
}

function refuseLabel(profile: Profile, label: string | undefined): void {
  if (label !== undefined && profile.versions.some((version) => version.label === label)) {
    throw conflict(`${profile.name} already has a version labelled ${label}`);
  }
}
