import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** How an attribute looks whose type no row has, and a text that could be taken for one. */
const typed = /^\{"(S|N|M|L|BOOL|SS|NS|BS)":/;

export function isTypedText(text: string): boolean {
  return typed.test(text);
}

/** The attribute as JSON with its type; members in the order of their names, sets in that of their values. */
export function textOfAttribute(attribute: AttributeValue): string {
  return JSON.stringify(plain(attribute));
}

/** Inverse of `textOfAttribute`; null for any other text. */
export function attributeOfText(text: string): AttributeValue | null {
  if (!isTypedText(text)) return null;
  try {
    return attributeIn(JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

function plain(attribute: AttributeValue): object {
  const { M, L, B, SS, NS, BS } = attribute;
  if (M !== undefined) {
    const names = Object.keys(M).toSorted();
    return { M: Object.fromEntries(names.map((name) => [name, plain(M[name] ?? { NULL: true })])) };
  }
  if (L !== undefined) return { L: L.map(plain) };
  if (B !== undefined) return { B: base64(B) };
  if (SS !== undefined) return { SS: SS.toSorted() };
  if (NS !== undefined) return { NS: NS.toSorted() };
  if (BS !== undefined) return { BS: BS.map(base64).toSorted() };
  return attribute;
}

function attributeIn(value: unknown): AttributeValue {
  const [entry, ...others] = Object.entries(value as object) as [string, unknown][];
  const read = entry === undefined || others.length > 0 ? undefined : readers[entry[0]];
  if (entry === undefined || read === undefined) throw new TypeError('no attribute');
  return { [entry[0]]: read(entry[1]) } as unknown as AttributeValue;
}

const readers: Readonly<Record<string, (content: unknown) => unknown>> = {
  S: aText,
  N: aText,
  B: bytes,
  BOOL: (content) => content === true,
  NULL: (content) => content === true,
  SS: (content) => (content as unknown[]).map(aText),
  NS: (content) => (content as unknown[]).map(aText),
  BS: (content) => (content as unknown[]).map(bytes),
  L: (content) => (content as unknown[]).map(attributeIn),
  M: (content) =>
    Object.fromEntries(
      (Object.entries(content as object) as [string, unknown][]).map(([name, member]) => [
        name,
        attributeIn(member),
      ]),
    ),
};

function base64(content: Uint8Array): string {
  return Buffer.from(content).toString('base64');
}

function bytes(content: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(aText(content), 'base64'));
}

function aText(content: unknown): string {
  if (typeof content !== 'string') throw new TypeError('no text');
  return content;
}
