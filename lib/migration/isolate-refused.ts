/** Answers of a store that mean "not this record", as opposed to "not now" or "not you". */
const refusals = new Set(['StoreRefusedItem', 'ValidationException', 'ValidationError']);
/** Codes under which a store refuses the caller, and so every record alike. */
const refusalsOfCaller = new Set(['AccessDenied', 'ResourceNotFound']);

/** True when the store looked at the record and will never take it; what may pass later is no refusal. */
function isRefusal(fault: unknown): fault is Error {
  if (!(fault instanceof Error) || !refusals.has(fault.name)) return false;
  const { code } = (fault as { facts?: { code?: unknown } }).facts ?? {};
  return typeof code !== 'string' || !refusalsOfCaller.has(code);
}

/**
 * Writes a batch; when the store refuses it, writes its halves, down to the record that is refused by itself, which
 * `isolate` deals with. Outcomes are in the order of the items. Whatever is no refusal is thrown: repeating helps then.
 */
export async function writeIsolating<Item, Outcome>(
  items: readonly Item[],
  write: (items: readonly Item[]) => Promise<readonly Outcome[]>,
  isolate: (item: Item, fault: Error) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const [only] = items;
  if (only === undefined) return [];
  try {
    return await write(items);
  } catch (fault) {
    if (!isRefusal(fault)) throw fault;
    if (items.length === 1) return [await isolate(only, fault)];
  }
  const middle = items.length >> 1;
  return [
    ...(await writeIsolating(items.slice(0, middle), write, isolate)),
    ...(await writeIsolating(items.slice(middle), write, isolate)),
  ];
}
