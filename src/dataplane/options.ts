/**
 * The options of `dvr dataplane` that shape its workers, read from text. Pure; the addon checks them again.
 */
import { type DeviceFeature, deviceFeatures } from './interface.js';

export const kMaxWorkers = 16;
export const kDefaultSpinUs = 100;
/** More is no moment: a worker would take a CPU for good. The same number as native/worker/spin.hpp. */
export const kMaxSpinUs = 1000;

/** A whole number within the bounds. @throws RangeError that says them */
export function wholeNumber(text: string, least: number, most: number): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new RangeError(`it must be a whole number from ${least} to ${most}.`);
}

/** "uso,tso": features to do without. @throws RangeError that names what is none */
export function featureList(text: string): readonly DeviceFeature[] {
  const names = text.split(',').map((name) => name.trim()).filter((name) => name !== '');
  return names.map((name) => {
    const feature = deviceFeatures.find((known) => known === name);
    if (feature !== undefined) return feature;
    throw new RangeError(`"${name}" is no feature; there are ${deviceFeatures.join(', ')}.`);
  });
}
