import { checkFlagsDocument, type FlagsDocument } from './document.ts';
import { findFeature } from './feature-registry.ts';
import { everybodyThousandths } from '../kernel/percent.ts';

/** Who changes the flags, when and why; recorded in the document itself. */
export interface EditStamp {
  readonly updatedBy: string;
  readonly atMs: number;
  readonly reason: string;
}

/** A pure change of the flags; what a writer repeats on the newest document until it is deployed. */
export type FlagsEdit = (document: FlagsDocument) => FlagsDocument;

/** Routes this share to the hierarchical system. A set kill switch stays set and keeps everybody on flat. */
export function setTraffic(trafficThousandths: number, stamp: EditStamp): FlagsEdit {
  return (document) =>
    edited(
      {
        ...document,
        trafficThousandths,
        hierarchicalEnabled: document.hierarchicalEnabled || trafficThousandths > 0,
      },
      stamp,
    );
}

export function setShadow(
  shadow: { enabled: boolean; sampleThousandths: number },
  stamp: EditStamp,
): FlagsEdit {
  return (document) => edited({ ...document, shadow: { ...shadow } }, stamp);
}

/** Compares at most that share; one that is smaller, or off, stays as it is. */
export function limitShadow(mostThousandths: number, stamp: EditStamp): FlagsEdit {
  return (document) =>
    document.shadow.sampleThousandths <= mostThousandths
      ? document
      : edited({ ...document, shadow: { ...document.shadow, sampleThousandths: mostThousandths } }, stamp);
}

/**
 * Turns a feature on or off for a share of subjects (everybody when the share is left out). Throws a HalError
 * `UnknownFlag`. `hierarchical_routing` and `shadow_mode` change the fields that they are other words for; the
 * share of a routing flag is the traffic share, and turning it on without one leaves the share as it is.
 */
export function setFeature(
  name: string,
  state: { enabled: boolean; thousandths?: number },
  stamp: EditStamp,
): FlagsEdit {
  const feature = findFeature(name);
  return (document) => {
    if (feature.controls === 'routing') {
      const trafficThousandths = state.thousandths ?? document.trafficThousandths;
      return edited({ ...document, hierarchicalEnabled: state.enabled, trafficThousandths }, stamp);
    }
    const thousandths = state.thousandths ?? everybodyThousandths;
    if (feature.controls === 'shadow') {
      return edited(
        { ...document, shadow: { enabled: state.enabled, sampleThousandths: thousandths } },
        stamp,
      );
    }
    const features = { ...document.features, [feature.name]: { enabled: state.enabled, thousandths } };
    return edited({ ...document, features }, stamp);
  };
}

export interface RollbackTarget {
  /** Share that the hierarchical system keeps; 0 for everything back to flat. */
  readonly trafficThousandths: number;
  /** Holds everybody on flat until somebody releases it. */
  readonly killSwitch: boolean;
}

/**
 * Takes traffic back and raises the routing epoch, so that whoever planned with the old one (a late ramp-up, an
 * edge with an old copy) is recognised and refused. The share never rises by a rollback.
 */
export function applyRollback(target: RollbackTarget, stamp: EditStamp): FlagsEdit {
  return (document) =>
    edited(
      {
        ...document,
        routingEpoch: document.routingEpoch + 1,
        killSwitch: document.killSwitch || target.killSwitch,
        trafficThousandths: Math.min(document.trafficThousandths, target.trafficThousandths),
      },
      stamp,
    );
}

/** Lets traffic be raised again after a rollback; nothing moves until the next `setTraffic`. */
export function releaseKillSwitch(stamp: EditStamp): FlagsEdit {
  return (document) =>
    document.killSwitch
      ? edited(
          {
            ...document,
            routingEpoch: document.routingEpoch + 1,
            killSwitch: false,
            trafficThousandths: 0,
          },
          stamp,
        )
      : document;
}

/** Applies one edit after the other. */
export function combineEdits(...edits: readonly FlagsEdit[]): FlagsEdit {
  return (document) => edits.reduce((current, edit) => edit(current), document);
}

function edited(document: FlagsDocument, stamp: EditStamp): FlagsDocument {
  return checkFlagsDocument({
    ...document,
    updatedBy: stamp.updatedBy,
    updatedAt: new Date(stamp.atMs).toISOString(),
    reason: stamp.reason,
  });
}
