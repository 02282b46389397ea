import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

interface Work<Task, Answer> {
  /** Answers each message with one message. */
  readonly script: URL;
  /** undefined: nothing is left to do. */
  readonly nextTask: () => Task | undefined;
  readonly finished: (answer: Answer) => void;
}

/** Tasks in as many threads as there are processors, each given out when a thread is free. */
export async function runInWorkers<Task, Answer>(work: Work<Task, Answer>): Promise<void> {
  await Promise.all(Array.from({ length: availableParallelism() }, () => runWorker(work)));
}

async function runWorker<Task, Answer>({ script, nextTask, finished }: Work<Task, Answer>): Promise<void> {
  const worker = new Worker(script, { execArgv: [] });
  const failed = new Promise<never>((_, reject) => worker.once('error', reject));
  try {
    for (let task = nextTask(); task !== undefined; task = nextTask()) {
      const answer = new Promise<Answer>((resolve) => worker.once('message', resolve));
      worker.postMessage(task, []);
      finished(await Promise.race([answer, failed]));
    }
  } finally {
    await worker.terminate();
  }
}
