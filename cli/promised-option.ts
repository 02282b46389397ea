import { Option, type Command } from 'commander';

import { note } from './output/terminal.ts';

/**
 * Options that ask for what the command does anyway. Whoever gives one is told so, since an option that is taken and
 * does nothing looks like one that did something.
 */
export function promise(command: Command, promises: Readonly<Record<`--${string}`, string>>): Command {
  for (const [flag, what] of Object.entries(promises)) {
    const option = new Option(flag, `${what} (always so)`);
    command.addOption(option).on(`option:${option.name()}`, () => note(`${flag}: ${what}, as always.`));
  }
  return command;
}
