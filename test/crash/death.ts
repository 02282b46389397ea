import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SQSClient } from '@aws-sdk/client-sqs';

/** One of the moments between which a process can be gone. */
export type Point = () => Promise<void>;

/** Ends this process, without any of its last words, at the given point after `arm`. */
export function makeDeath(dieAt: number | null): { readonly point: Point; arm(): void } {
  let [armed, passed] = [false, 0];
  return {
    arm() {
      armed = true;
    },
    async point() {
      if (!armed || dieAt === null) return;
      passed += 1;
      if (passed < dieAt) return;
      process.kill(process.pid, 'SIGKILL');
      // The signal is on its way; nothing may happen any more.
      await new Promise(() => undefined);
    },
  };
}

/** A point before each request, and one after its answer: an effect whose reply nobody reads. */
export function atEachRequest(client: DynamoDBClient | SQSClient, point: Point): void {
  const { middlewareStack } = client as DynamoDBClient;
  middlewareStack.add(
    (next) => async (request) => {
      await point();
      const answer = await next(request);
      await point();
      return answer;
    },
    { step: 'initialize', name: 'death' },
  );
}

/** The same around each method of a port that answers with a promise. */
export function atEachCall<Port extends object>(port: Port, point: Point): Port {
  return new Proxy(port, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...parameters: readonly unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(member, target, parameters);
        if (name === 'planRanges') return call();
        return point().then(async () => {
          const answer: unknown = await call();
          await point();
          return answer;
        });
      };
    },
  });
}
