import { Option, type Command } from 'commander';

import { note } from './output/terminal.ts';

/**
 * An option that asks for what the command does anyway. Whoever gives it is told so, since an option that is taken and
 * does nothing looks like one that did something.
 */
export function promise(command: Command, flag: `--${string}`, what: string): Command {
  const option = new Option(flag, `${what} (always so, and said when asked for)`);
  command.addOption(option);
  return command.on(`option:${option.name()}`, () => note(`${flag}: ${what}, as always.`));
}
