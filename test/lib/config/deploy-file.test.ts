import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

import { deployFileName, parseDeployFile } from '../../../lib/config/deploy-file.ts';
import { HalError } from '../../../lib/kernel/errors.ts';

const complete = {
  name: 'acme',
  region: 'eu-west-1',
  profile: 'guide',
  origins: {
    flat: { domainName: 'old.acme.example', port: 443, protocol: 'https' },
    hierarchical: { domainName: 'new.acme.example', port: 443, protocol: 'https' },
  },
  source: { kind: 'sqlite', path: '/data/flat.sqlite' },
  contacts: { oncall: 'night@acme.example' },
};

describe('a deploy file', () => {
  test('of the project itself is valid', () => {
    expect(parse(readFileSync(deployFileName, 'utf8'))).toMatchObject({ name: 'hal9', profile: 'guide' });
  });

  test('that says only what it must gets the defaults', () => {
    expect(parse(JSON.stringify(complete)).workers).toEqual({ migrateConcurrency: 4 });
  });

  test.each([
    ['an unknown field', { ...complete, surprise: 1 }, /surprise/],
    [
      'an unknown field deep inside',
      { ...complete, contacts: { oncall: 'a@b.c', pager: 1 } },
      /contacts.*pager/,
    ],
    ['a name in capitals', { ...complete, name: 'Acme' }, /"name" must be lower-case/],
    ['a name that is too long for a resource', { ...complete, name: 'a'.repeat(22) }, /"name" .*2 to 21/],
    [
      'an account of eleven digits',
      { ...complete, account: '12345678901' },
      /"account" must be twelve digits/,
    ],
    ['a Region that is none', { ...complete, region: 'europe' }, /"region" must be an AWS Region/],
    ['an unknown profile', { ...complete, profile: 'reckless' }, /"profile" must be conservative or guide/],
    [
      'an origin with a scheme',
      withFlat({ domainName: 'https://old.acme.example' }),
      /flat\.domainName" must be a host name/,
    ],
    ['a port beyond the last', withFlat({ port: 65_536 }), /flat\.port" must be at most 65535/],
    ['a broken port', withFlat({ port: 80.5 }), /flat\.port" must be of type int/],
    [
      'a protocol that CloudFront does not speak',
      withFlat({ protocol: 'ftp' }),
      /flat\.protocol" must be http or https/,
    ],
    [
      'a domain without names',
      { ...complete, domain: { names: [], certificateArn: certificate('us-east-1') } },
      /"domain\.names" must be at least 1/,
    ],
    [
      'a certificate elsewhere',
      { ...complete, domain: { names: ['a.b'], certificateArn: certificate('eu-west-1') } },
      /us-east-1/,
    ],
    [
      'a source of another kind',
      { ...complete, source: { kind: 'oracle', path: 'x' } },
      /"source\.kind" must be sqlite/,
    ],
    [
      'a contact that is no address',
      { ...complete, contacts: { oncall: 'Dave' } },
      /"contacts\.oncall" must be an e-mail address/,
    ],
    [
      'fewer workers than SQS scales to',
      { ...complete, workers: { migrateConcurrency: 1 } },
      /migrateConcurrency/,
    ],
  ])('with %s is refused, and the field is named', (_what, file, field) => {
    const fault = refusal(JSON.stringify(file));

    expect(fault).toMatchObject({ name: 'DeployFileInvalid', exit: 'usage' });
    expect(fault.message).toMatch(field);
    expect(fault.remedy).toContain('docs/concepts/deploy-file.md');
  });

  test.each(Object.keys(complete))('without %s is refused', (field) => {
    const { [field as 'name']: _left, ...rest } = complete;

    expect(refusal(JSON.stringify(rest)).message).toContain(`"${field}" must be`);
  });

  test('with several faults is refused with all of them at once', () => {
    const fault = refusal(JSON.stringify({ ...complete, name: '', region: 7, contacts: {}, extra: true }));

    expect(fault.facts['faults']).toHaveLength(4);
    for (const field of ['name', 'region', 'contacts.oncall', 'extra'])
      expect(fault.message).toContain(field);
  });

  test.each(['', 'null', '[]', '7', '{"name":', '\u{feff}{}'])('that reads %j is refused', (text) => {
    expect(refusal(text)).toMatchObject({ name: 'DeployFileInvalid', exit: 'usage' });
  });
});

function withFlat(change: object): object {
  return { ...complete, origins: { ...complete.origins, flat: { ...complete.origins.flat, ...change } } };
}

function certificate(region: string): string {
  return `arn:aws:acm:${region}:111122223333:certificate/12345678-1234-1234-1234-123456789012`;
}

function parse(text: string): ReturnType<typeof parseDeployFile> {
  return parseDeployFile(text, 'acme.json');
}

function refusal(text: string): HalError {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof HalError) return error;
    throw error;
  }
  throw new Error('the file was taken');
}
