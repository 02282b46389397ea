import { ApiFault } from '../api-fault.ts';
import type { ApiReply, RestRoute } from '../api-service.ts';
import { jsonReply } from '../api-service.ts';
import { isObject, readInput } from '../wire-input.ts';
import { findTarget } from './app-config-engine.ts';
import type { AppConfigState } from './app-config-state.ts';
import { badRequest, missing, versionOf, visibleVersion } from './app-config-state.ts';

/** What a poll token carries, so that tokens outlive a restart; their single use is remembered in memory only. */
interface Session {
  readonly application: string;
  readonly environment: string;
  readonly profile: string;
  /** Where the session stands in a gradual rollout, 0..100; it stays there for the session's life. */
  readonly bucket: number;
  readonly pollS: number;
  readonly version: number | null;
  readonly turn: string;
}

const defaultPollS = 60;
const rememberedTurns = 10_000;

/** The AppConfigData API. Poll intervals shrink with the time scale, but never below a second. */
export function configurationSessionRoutes(state: AppConfigState, timeScale: number): readonly RestRoute[] {
  const usedTurns = new Set<string>();
  const spend = (turn: string): void => {
    if (usedTurns.has(turn)) {
      throw invalidToken('has been used before; each token is good for one call');
    }
    usedTurns.add(turn);
    const [oldest] = usedTurns;
    if (usedTurns.size > rememberedTurns && oldest !== undefined) {
      usedTurns.delete(oldest);
    }
  };

  return [
    {
      method: 'POST',
      pattern: '/configurationsessions',
      handle(call) {
        const input = readInput(call.input(), 'BadRequestException');
        const requestedS = input.optionalNumber('RequiredMinimumPollIntervalInSeconds') ?? defaultPollS;
        if (requestedS < 15 || requestedS > 86_400) {
          throw badRequest('RequiredMinimumPollIntervalInSeconds must lie between 15 and 86400');
        }
        const session: Session = {
          application: input.text('ApplicationIdentifier'),
          environment: input.text('EnvironmentIdentifier'),
          profile: input.text('ConfigurationProfileIdentifier'),
          bucket: Math.random() * 100,
          pollS: Math.max(1, Math.ceil(requestedS / timeScale)),
          version: null,
          turn: crypto.randomUUID(),
        };
        if (findTarget(state, session) === undefined) {
          throw missing('configuration', `${session.application}/${session.environment}/${session.profile}`);
        }
        return jsonReply({ InitialConfigurationToken: encode(session) }, 201);
      },
    },
    {
      method: 'GET',
      pattern: '/configuration',
      handle(call) {
        const session = decode(call.request.query.get('configuration_token') ?? '');
        const reply = latestConfiguration(state, session);
        spend(session.turn);
        return reply;
      },
    },
  ];
}

function latestConfiguration(state: AppConfigState, session: Session): ApiReply {
  const target = findTarget(state, session);
  const number =
    target === undefined ? undefined : visibleVersion(target.environment, target.profile.id, session.bucket);
  if (target === undefined || number === undefined) {
    throw missing(
      'deployed configuration',
      `${session.application}/${session.environment}/${session.profile}`,
    );
  }
  const version = versionOf(target.profile, String(number));
  const next = encode({ ...session, version: number, turn: crypto.randomUUID() });
  return {
    status: 200,
    headers: {
      'next-poll-configuration-token': next,
      'next-poll-interval-in-seconds': String(session.pollS),
      'content-type': version.contentType,
      ...(version.label !== undefined && { 'version-label': version.label }),
    },
    body: session.version === number ? '' : Buffer.from(version.contentBase64, 'base64'),
  };
}

function encode(session: Session): string {
  return Buffer.from(JSON.stringify(session), 'utf8').toString('base64url');
}

function decode(token: string): Session {
  try {
    const session: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (isObject(session) && typeof session['turn'] === 'string') {
      return session as unknown as Session;
    }
  } catch {
    // Reported below like every other token that is not one of ours.
  }
  throw invalidToken('is not a token of this service');
}

function invalidToken(problem: string): ApiFault {
  return new ApiFault('BadRequestException', 400, `the configuration token ${problem}`, {
    Reason: 'InvalidParameters',
    Details: { InvalidParameters: { ConfigurationToken: { Problem: 'Corrupted' } } },
  });
}
