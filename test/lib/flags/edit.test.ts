import { describe, expect, test } from 'vitest';

import { defaultFlagsDocument, type FlagsDocument } from '../../../lib/flags/document.ts';
import {
  applyRollback,
  combineEdits,
  releaseKillSwitch,
  setFeature,
  limitShadow,
  setShadow,
  setTraffic,
} from '../../../lib/flags/edit.ts';

const stamp = { updatedBy: 'operator', atMs: Date.UTC(2026, 0, 31, 9, 30), reason: 'canary' };
const inCanary: FlagsDocument = {
  ...defaultFlagsDocument,
  routingEpoch: 3,
  hierarchicalEnabled: true,
  trafficThousandths: 5_000,
};

const comparing = (sampleThousandths: number, enabled = true): FlagsDocument =>
  setShadow({ enabled, sampleThousandths }, stamp)(defaultFlagsDocument);

describe('comparing fewer requests', () => {
  test('lowers a larger share to the limit', () => {
    const document = limitShadow(10_000, stamp)(comparing(100_000));

    expect(document.shadow).toEqual({ enabled: true, sampleThousandths: 10_000 });
    expect(document.updatedBy).toBe('operator');
  });

  test('leaves what an operator has set lower, or off, as it is', () => {
    const lower = comparing(2_000);
    const off = comparing(100_000, false);

    expect(limitShadow(10_000, stamp)(lower)).toBe(lower);
    expect(limitShadow(10_000, stamp)(off).shadow.enabled).toBe(false);
  });
});

describe('setting traffic', () => {
  test('opens the hierarchical system for the share and says who did it', () => {
    const document = setTraffic(5_000, stamp)(defaultFlagsDocument);

    expect(document).toMatchObject({
      hierarchicalEnabled: true,
      trafficThousandths: 5_000,
      routingEpoch: 0,
      updatedBy: 'operator',
      updatedAt: '2026-01-31T09:30:00.000Z',
      reason: 'canary',
    });
  });

  test('does not release the kill switch', () => {
    expect(setTraffic(5_000, stamp)({ ...inCanary, killSwitch: true }).killSwitch).toBe(true);
  });

  test.each([-1, 100_001, 0.5, Number.NaN])('refuses a share of %d thousandths', (share) => {
    expect(() => setTraffic(share, stamp)(inCanary)).toThrow(
      expect.objectContaining({ name: 'FlagsInvalid' }),
    );
  });
});

describe('a rollback', () => {
  test('takes the traffic back and raises the routing epoch', () => {
    const document = applyRollback({ trafficThousandths: 0, killSwitch: true }, stamp)(inCanary);

    expect(document).toMatchObject({ routingEpoch: 4, trafficThousandths: 0, killSwitch: true });
  });

  test('never raises the share', () => {
    const document = applyRollback({ trafficThousandths: 25_000, killSwitch: false }, stamp)(inCanary);

    expect(document.trafficThousandths).toBe(5_000);
  });

  test('is released with nobody on the hierarchical system and a new epoch', () => {
    const rolledBack = applyRollback({ trafficThousandths: 5_000, killSwitch: true }, stamp)(inCanary);

    expect(releaseKillSwitch(stamp)(rolledBack)).toMatchObject({
      killSwitch: false,
      trafficThousandths: 0,
      routingEpoch: 5,
    });
    expect(releaseKillSwitch(stamp)(inCanary)).toBe(inCanary);
  });
});

describe('setting a feature', () => {
  test('turns it on for everybody when no share is given', () => {
    const document = setFeature('meta-learning', { enabled: true }, stamp)(defaultFlagsDocument);

    expect(document.features).toEqual({ meta_learning: { enabled: true, thousandths: 100_000 } });
  });

  test('keeps the other features', () => {
    const document = combineEdits(
      setFeature('meta_learning', { enabled: true, thousandths: 1 }, stamp),
      setFeature('meta_cognition', { enabled: false, thousandths: 0 }, stamp),
    )(defaultFlagsDocument);

    expect(Object.keys(document.features)).toEqual(['meta_learning', 'meta_cognition']);
  });

  test('named shadow_mode sets the shadow sample', () => {
    const on = setFeature('shadow_mode', { enabled: true, thousandths: 10_000 }, stamp)(defaultFlagsDocument);

    expect(on).toEqual(setShadow({ enabled: true, sampleThousandths: 10_000 }, stamp)(defaultFlagsDocument));
  });

  test('named hierarchical_routing switches the routing and keeps the share', () => {
    const off = setFeature('hierarchical_enabled', { enabled: false }, stamp)(inCanary);

    expect(off).toMatchObject({ hierarchicalEnabled: false, trafficThousandths: 5_000, features: {} });
  });

  test('that nobody knows is refused with the nearest name', () => {
    expect(() => setFeature('meta_lerning', { enabled: true }, stamp)).toThrow(
      expect.objectContaining({
        name: 'UnknownFlag',
        message: 'There is no flag "meta_lerning". Did you mean "meta_learning"?',
        exit: 'usage',
      }),
    );
    expect(() => setFeature('zzz', { enabled: true }, stamp)).toThrow('There is no flag "zzz".');
  });
});
