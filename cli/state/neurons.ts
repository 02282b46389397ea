import type { ExamineNeuronsAnswer } from '../../lib/migration/neurons/examine-answer.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

type Done<Answer> = Extract<Answer, { readonly done: true }>;

/** Asks the function again and again until it is through; `onProgress` sees every answer. */
export async function examineNeurons<Answer extends ExamineNeuronsAnswer>(
  invoker: FunctionInvoker,
  request: Readonly<Record<string, unknown>>,
  onProgress: (answer: Answer) => void,
): Promise<Done<Answer>> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('examine-neurons', { ...request, cursor })) as Answer;
    onProgress(answer);
    if (answer.done) return answer as Done<Answer>;
    ({ cursor } = answer);
  }
}
