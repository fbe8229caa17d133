// Says what the IAB's official library reads in a TC string, in the words of
// testdata/tc.json.
import { TCString } from '@iabtechlabtcf/core';

export function describe(tcString) {
  const model = TCString.decode(tcString);
  const types = segmentTypes(tcString);
  return {
    version: model.version,
    created: model.created.toISOString(),
    createdDeciseconds: model.created.getTime() / 100,
    lastUpdated: model.lastUpdated.toISOString(),
    lastUpdatedDeciseconds: model.lastUpdated.getTime() / 100,
    cmpId: model.cmpId,
    cmpVersion: model.cmpVersion,
    consentScreen: model.consentScreen,
    consentLanguage: model.consentLanguage,
    vendorListVersion: model.vendorListVersion,
    tcfPolicyVersion: model.policyVersion,
    isServiceSpecific: model.isServiceSpecific,
    useNonStandardTexts: model.useNonStandardTexts,
    specialFeatureOptins: ids(model.specialFeatureOptins),
    purposeConsents: ids(model.purposeConsents),
    purposeLegitimateInterests: ids(model.purposeLegitimateInterests),
    purposeOneTreatment: model.purposeOneTreatment,
    publisherCC: model.publisherCountryCode,
    vendorConsents: vendors(model.vendorConsents),
    vendorLegitimateInterests: vendors(model.vendorLegitimateInterests),
    publisherRestrictions: model.publisherRestrictions.getRestrictions().map((restriction) => ({
      purposeId: restriction.purposeId,
      restrictionType: restriction.restrictionType,
      vendors: ranges(model.publisherRestrictions.getVendors(restriction)),
    })),
    segmentTypesInOrder: types,
    disclosedVendors: types.includes(1) ? vendors(model.vendorsDisclosed) : null,
    allowedVendors: types.includes(2) ? vendors(model.vendorsAllowed) : null,
    publisherTC: types.includes(3) ? {
      pubPurposesConsent: ids(model.publisherConsents),
      pubPurposesLITransparency: ids(model.publisherLegitimateInterests),
      numCustomPurposes: model.numCustomPurposes,
      customPurposesConsent: ids(model.publisherCustomConsents),
      customPurposesLITransparency: ids(model.publisherCustomLegitimateInterests),
    } : null,
  };
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function segmentTypes(tcString) {
  return tcString.split('.').map((segment, i) => (i === 0 ? 0 : alphabet.indexOf(segment[0]) >> 3));
}

function ids(vector) {
  const list = [];
  vector.forEach((value, id) => { if (value) list.push(id); });
  return list.sort((a, b) => a - b);
}

function vendors(vector) {
  const list = ids(vector);
  return { count: list.length, ranges: ranges(list) };
}

function ranges(list) {
  const out = [];
  for (const id of list) {
    const last = out.at(-1);
    if (last && last[1] === id - 1) last[1] = id;
    else out.push([id, id]);
  }
  return out;
}
