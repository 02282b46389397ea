import { ApiFault } from './api-fault.ts';
import type { WireObject } from './ports.ts';

/** Reads members of a request body, and answers a wrong one as the services do: 400 with the exception named in `code`. */
export interface InputReader {
  text(name: string): string;
  optionalText(name: string): string | undefined;
  number(name: string): number;
  optionalNumber(name: string): number | undefined;
  optionalBoolean(name: string): boolean | undefined;
  list(name: string): readonly unknown[];
  objects(name: string): readonly WireObject[];
  texts(name: string): readonly string[];
}

export function isObject(value: unknown): value is WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function readInput(input: WireObject, code = 'ValidationException'): InputReader {
  const wrong = (name: string, expected: string): ApiFault =>
    new ApiFault(code, 400, `${name} must be ${expected}, not ${JSON.stringify(input[name]) ?? 'missing'}`);

  const present = (name: string): unknown => input[name] ?? undefined;
  const optionalText = (name: string): string | undefined => {
    const value = present(name);
    if (value !== undefined && typeof value !== 'string') {
      throw wrong(name, 'a string');
    }
    return value;
  };
  const optionalNumber = (name: string): number | undefined => {
    const value = present(name);
    if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value))) {
      throw wrong(name, 'a number');
    }
    return value;
  };
  const list = (name: string): readonly unknown[] => {
    const value = present(name) ?? [];
    if (!Array.isArray(value)) {
      throw wrong(name, 'a list');
    }
    return value as readonly unknown[];
  };

  return {
    optionalText,
    optionalNumber,
    list,
    text(name) {
      const value = optionalText(name);
      if (value === undefined || value === '') {
        throw wrong(name, 'a string');
      }
      return value;
    },
    number(name) {
      const value = optionalNumber(name);
      if (value === undefined) {
        throw wrong(name, 'a number');
      }
      return value;
    },
    optionalBoolean(name) {
      const value = present(name);
      if (value !== undefined && typeof value !== 'boolean') {
        throw wrong(name, 'true or false');
      }
      return value;
    },
    objects(name) {
      return list(name).map((entry) => {
        if (!isObject(entry)) {
          throw wrong(name, 'a list of structures');
        }
        return entry;
      });
    },
    texts(name) {
      return list(name).map((entry) => {
        if (typeof entry !== 'string') {
          throw wrong(name, 'a list of strings');
        }
        return entry;
      });
    },
  };
}
