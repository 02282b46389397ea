/** The five state categories, in the order in which they are migrated. */
export const categories = [
  'user-sessions',
  'neuron-states',
  'learning-data',
  'configuration',
  'metadata',
] as const;

export type Category = (typeof categories)[number];

/** Names that the operators also know a category by. */
export const categoryAliases: Readonly<Record<string, Category>> = {
  'operational-metadata': 'metadata',
};
