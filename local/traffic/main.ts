import { openFlatSource } from '../../lib/sources/open-flat-source.ts';
import { chosenMigration } from '../cloud/deployment.ts';
import { parseEnv } from './env.ts';
import { answerCall } from './serve-traffic.ts';
import { startTraffic } from './start-traffic.ts';
import type { TrafficCall, TrafficReply } from './traffic-messages.ts';

function reply(message: TrafficReply, sent?: () => void): void {
  process.send?.(message, undefined, undefined, sent);
}

try {
  const options = parseEnv(process.env);
  const definition = await chosenMigration();
  const source = await openFlatSource(options.source, definition);
  const control = await startTraffic({ source, definition }, options);
  await source.close();
  process.on('message', (call) => {
    void answerCall(control, call as TrafficCall).then((answer) => reply(answer));
  });
  reply({ kind: 'ready' });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  reply({ kind: 'failed', message }, () => process.exit(1));
}
// Users never outlive whoever sent them.
process.once('disconnect', () => process.exit());
