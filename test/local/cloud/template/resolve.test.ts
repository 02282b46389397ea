import { describe, expect, it } from 'vitest';

import { makeTemplateResolver } from '../../../../local/cloud/template/resolve.ts';
import type { StackTemplate } from '../../../../local/cloud/template/templates.ts';

function stack(stackName: string, resources: Record<string, object>, outputs: object = {}): StackTemplate {
  return {
    stackName,
    resources: resources as StackTemplate['resources'],
    outputs: outputs as StackTemplate['outputs'],
  };
}

/** Properties of every resource by logical id; every resource is its own name. */
function resolved(stacks: readonly StackTemplate[]): Record<string, unknown> {
  const resolver = makeTemplateResolver(stacks, {
    identify: ({ logicalId }) => ({ ref: `ref-${logicalId}`, attributes: { Arn: `arn-${logicalId}` } }),
    ignores: (type) => type === 'Ignored' || type.startsWith('Custom::'),
  });
  return Object.fromEntries(resolver.resolveAll().map((each) => [each.logicalId, each.properties]));
}

const thing = (Properties: object): object => ({ Type: 'Thing', Properties });

describe('the template resolver', () => {
  it('follows references in whatever order resources stand', () => {
    const found = resolved([
      stack('One', {
        A: thing({ name: { Ref: 'B' }, arn: { 'Fn::GetAtt': ['B', 'Arn'] } }),
        B: thing({ region: { Ref: 'AWS::Region' }, gone: { Ref: 'AWS::NoValue' } }),
      }),
    ]);

    expect(found).toEqual({ A: { name: 'ref-B', arn: 'arn-B' }, B: { region: 'us-east-1' } });
  });

  it('joins, substitutes, selects and splits', () => {
    const found = resolved([
      stack('One', {
        A: thing({
          joined: { 'Fn::Join': ['', ['x-', { Ref: 'B' }]] },
          sub: { 'Fn::Sub': 'is ${B} with ${B.Arn} in ${AWS::Region}' },
          subWith: { 'Fn::Sub': ['${V}!', { V: { Ref: 'B' } }] },
          picked: { 'Fn::Select': [1, { 'Fn::Split': ['-', { Ref: 'B' }] }] },
        }),
        B: thing({}),
      }),
    ]);

    expect(found['A']).toEqual({
      joined: 'x-ref-B',
      sub: 'is ref-B with arn-B in us-east-1',
      subWith: 'ref-B!',
      picked: 'B',
    });
  });

  it('follows exports, stack outputs and cross-Region parameters into the other stack', () => {
    const parameter = '/cdk/exports/Two/OneB';
    const outputs = { Out: { Value: { 'Fn::GetAtt': ['B', 'Arn'] }, Export: { Name: 'One:Out' } } };
    const writer = {
      Type: 'Custom::CrossRegionExportWriter',
      Properties: { WriterProps: { exports: { [parameter]: { Ref: 'B' } } } },
    };
    const found = resolved([
      stack('Two', {
        A: thing({
          imported: { 'Fn::ImportValue': 'One:Out' },
          output: { 'Fn::GetStackOutput': { StackName: 'One', OutputName: 'Out' } },
          parameter: { 'Fn::GetAtt': ['Reader', parameter] },
          dynamic: `{{resolve:ssm:${parameter}}}`,
        }),
        Reader: { Type: 'Custom::CrossRegionExportReader' },
      }),
      stack('One', { B: thing({}), Writer: writer }, outputs),
    ]);

    expect(found['A']).toEqual({ imported: 'arn-B', output: 'arn-B', parameter: 'ref-B', dynamic: 'ref-B' });
  });

  it('gives references to ignored resources a stand-in and does not read them', () => {
    const found = resolved([
      stack('One', {
        A: thing({ role: { 'Fn::GetAtt': ['Role', 'Arn'] } }),
        Role: { Type: 'Ignored', Properties: { broken: { Ref: 'Nothing' } } },
      }),
    ]);

    expect(found).toEqual({ A: { role: 'arn:aws:local:us-east-1:000000000000:Role' } });
  });

  it('refuses what refers to nothing and what refers to itself', () => {
    const dangling = [stack('One', { A: thing({ x: { Ref: 'Nothing' } }) })];
    const circle = [stack('One', { A: thing({ x: { Ref: 'B' } }), B: thing({ x: { Ref: 'A' } }) })];

    expect(() => resolved(dangling)).toThrow(/One\/Nothing/);
    expect(() => resolved(circle)).toThrow(/circular/);
  });
});
