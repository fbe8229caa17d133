// Writes random TC strings made by the IAB's official library, and what the
// library reads in them, one JSON object a line.
//
// Usage: node generate.mjs SEED COUNT
import { SegmentEncoder, Segment, TCModel, PurposeRestriction } from '@iabtechlabtcf/core';
import { describe } from './describe.mjs';

const [seed, count] = process.argv.slice(2).map(Number);
const random = generator(seed);

for (let i = 0; i < count; i++) {
  const tcString = randomString();
  console.log(JSON.stringify({ tcString, decoded: describe(tcString) }));
}

// generator is mulberry32: the same strings for the same seed.
function generator(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function below(n) { return Math.floor(random() * n); }
function chance(p) { return random() < p; }
function letters() { return String.fromCharCode(65 + below(26), 65 + below(26)); }

// randomString does without the library's own corrections, so that there are
// strings that a careful platform would not write.
function randomString() {
  const model = new TCModel();
  model.created = new Date(below(2 ** 36) * 100);
  model.lastUpdated = chance(0.5) ? model.created : new Date(below(2 ** 36) * 100);
  model.cmpId = 2 + below(4094);
  model.cmpVersion = below(4096);
  model.consentScreen = below(64);
  model.consentLanguage = letters();
  model.vendorListVersion = below(4096);
  model.policyVersion = below(64);
  model.isServiceSpecific = chance(0.8);
  model.useNonStandardTexts = chance(0.5);
  model.purposeOneTreatment = chance(0.3);
  model.publisherCountryCode = letters();
  fill(model.specialFeatureOptins, 12);
  fill(model.purposeConsents, 24);
  fill(model.purposeLegitimateInterests, 24);
  fillVendors(model.vendorConsents);
  fillVendors(model.vendorLegitimateInterests);
  fillVendors(model.vendorsDisclosed);
  fillVendors(model.vendorsAllowed);
  fill(model.publisherConsents, 24);
  fill(model.publisherLegitimateInterests, 24);
  model.numCustomPurposes = chance(0.3) ? 0 : below(64);
  fill(model.publisherCustomConsents, model.numCustomPurposes);
  fill(model.publisherCustomLegitimateInterests, model.numCustomPurposes);
  restrict(model.publisherRestrictions);

  const segments = [Segment.VENDORS_DISCLOSED, Segment.VENDORS_ALLOWED, Segment.PUBLISHER_TC]
    .filter(() => chance(0.6))
    .map((segment) => [random(), segment])
    .sort()
    .map(([, segment]) => segment);
  return [Segment.CORE, ...segments].map((segment) => SegmentEncoder.encode(model, segment)).join('.');
}

function fill(vector, highest) {
  const p = random();
  for (let id = 1; id <= highest; id++) if (chance(p)) vector.set(id);
}

function fillVendors(vector) {
  const kind = below(6);
  const highest = [0, 12, 60, 1000, 2500, 5000][kind];
  switch (below(4)) {
    case 0:
      return fill(vector, highest);
    case 1: // a few, perhaps far away
      for (let i = below(8); i > 0; i--) vector.set(1 + below(chance(0.2) ? 65535 : highest + 1));
      return;
    case 2: // long ranges
      for (let id = 1 + below(20); id < highest; id += 2 + below(90)) {
        for (const end = id + below(90); id <= end; id++) vector.set(id);
      }
      return;
    default: // nobody
  }
}

function restrict(restrictions) {
  // The encoder wants to know which ids exist, to write ranges over the others.
  const vendorIds = new Set();
  for (let id = 1; id < 2000; id++) if (chance(0.7)) vendorIds.add(id);
  restrictions.gvl = { vendorIds };
  if (chance(0.4)) return;
  for (let i = below(8); i > 0; i--) {
    const restriction = new PurposeRestriction(1 + below(chance(0.9) ? 11 : 63), below(3));
    const ids = [...vendorIds];
    const first = below(ids.length);
    ids.slice(first, first + 1 + below(80)).forEach((id) => { if (chance(0.8)) restrictions.add(id, restriction); });
  }
}
