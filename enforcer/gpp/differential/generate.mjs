// Writes random GPP strings, one JSON object a line, with what the IAB's own
// library reads in each. Usage: node generate.mjs SEED COUNT
//
// kind "encoded": written by the library.
// kind "older":   the same as older versions of the library would have written
//                 it; `decoded` is what was put in.
// kind "mutant":  a string with some characters changed. `decoded` is null
//                 where the library refuses the whole string, and a section in
//                 it is null where it refuses the section.
import { FibonacciIntegerEncoder, GppModel, HeaderV1 } from "@iabgpp/cmpapi";

const [seed, count] = process.argv.slice(2).map(Number);
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const us = ["usnat", "usca", "usva", "usco", "usut", "usct", "usfl", "usmt", "usor", "ustx", "usde", "usia", "usne",
  "usnh", "usnj", "ustn", "usmn", "usmd", "usin", "usky", "usri"];
const sensitiveApart = ["usin", "usky", "usri"]; // in a sub-section
const names = ["tcfeuv2", "tcfcav1", "uspv1", ...us];

// The library expands every range into its ids, and reading an older Canadian
// section as a newer one it meets ranges that end the process.
const decodeFibonacci = FibonacciIntegerEncoder.decode;
FibonacciIntegerEncoder.decode = (bits) => {
  const value = decodeFibonacci(bits);
  if (value > 1 << 17) throw new Error("too large for an id");
  return value;
};

let state = seed >>> 0;
function random(n) { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return Math.floor(((t ^ (t >>> 14)) >>> 0) / 4294967296 * n);
}
const pick = (list) => list[random(list.length)];
const times = (n, f) => Array.from({ length: n }, f);
const bools = (n) => times(n, () => random(2) === 1);
const day = () => new Date(Date.UTC(2024, random(24), 1 + random(28)));

function vendors() {
  const ids = new Set();
  const top = pick([5, 60, 1000, 65535]);
  for (let i = random(8); i > 0; i--) {
    const first = 1 + random(top);
    for (let id = first; id <= Math.min(65535, first + pick([0, 0, 1, 40])); id++) ids.add(id);
  }
  return [...ids].sort((a, b) => a - b);
}

function restrictions() {
  return times(pick([0, 0, 1, 3]), () => {
    const key = 1 + random(24), type = random(4), ids = vendors();
    return { key, type, ids, getKey: () => key, getType: () => type, getIds: () => ids };
  });
}

const fill = {
  tcfeuv2(set) {
    set("CmpId", random(4096));
    set("PurposeConsents", bools(24));
    set("VendorConsents", vendors());
    set("Created", day());
    set("LastUpdated", day());
  },
  tcfcav1(set) {
    set("CmpId", random(4096));
    set("CmpVersion", random(4096));
    set("ConsentScreen", random(64));
    set("ConsentLanguage", pick(["EN", "FR", "JA"]));
    set("VendorListVersion", random(4096));
    set("TcfPolicyVersion", random(64));
    set("UseNonStandardStacks", random(2) === 1);
    set("SpecialFeatureExpressConsent", bools(12));
    set("PurposesExpressConsent", bools(24));
    set("PurposesImpliedConsent", bools(24));
    set("VendorExpressConsent", vendors());
    set("VendorImpliedConsent", vendors());
    set("PubRestrictions", restrictions());
    set("PubPurposesExpressConsent", bools(24));
    set("PubPurposesImpliedConsent", bools(24));
    const custom = random(64);
    set("NumCustomPurposes", custom);
    set("CustomPurposesExpressConsent", bools(custom));
    set("CustomPurposesImpliedConsent", bools(custom));
    set("DisclosedVendors", random(2) ? vendors() : []);
    set("Created", day());
    set("LastUpdated", day());
  },
  uspv1(set) {
    if (random(5) === 0) return; // 1---
    set("Notice", pick(["Y", "N", "-"]));
    set("OptOutSale", pick(["Y", "N"]));
    set("LspaCovered", pick(["Y", "N", "-"]));
  },
};

function fillUS(model, name) {
  model.setFieldValue(name, "SaleOptOut", 0); // which adds the section
  if (name === "usnat") model.setFieldValue(name, "Version", pick([1, 2, 2]));
  for (const [field, value] of Object.entries(model.getSection(name))) {
    if (field.endsWith("Version") || field === "GpcSegmentType") continue;
    if (field === "Gpc") {
      model.setFieldValue(name, "GpcSegmentIncluded", random(2) === 1);
      model.setFieldValue(name, "Gpc", random(2) === 1);
    } else if (Array.isArray(value)) {
      model.setFieldValue(name, field, value.map(() => random(3)));
    } else {
      model.setFieldValue(name, field, field === "MspaCoveredTransaction" ? 1 + random(2) : random(3));
    }
  }
  if (sensitiveApart.includes(name)) {
    model.setFieldValue(name, "SensitiveDataConsentSegmentIncluded", random(2) === 1);
  }
}

const int = (value, width) => value.toString(2).padStart(width, "0");

function encodeBits(bits) {
  bits = bits.padEnd(Math.ceil(bits.length / 6) * 6, "0");
  return bits.replace(/.{6}/g, (six) => alphabet[parseInt(six, 2)]);
}

function decodeBits(text) {
  return [...text].map((c) => int(alphabet.indexOf(c), 6)).join("");
}

function fixedRanges(ids) {
  const groups = [];
  for (const id of ids) {
    const last = groups.at(-1);
    if (last && last[1] === id - 1) last[1] = id;
    else groups.push([id, id]);
  }
  return int(groups.length, 12) +
    groups.map(([a, b]) => a === b ? "0" + int(a, 16) : "1" + int(a, 16) + int(b, 16)).join("");
}

function fixedSet(ids) {
  const largest = ids.at(-1) ?? 0, asRanges = fixedRanges(ids);
  if (asRanges.length <= largest) return int(largest, 16) + "1" + asRanges;
  return int(largest, 16) + "0" + times(largest, (_, i) => ids.includes(i + 1) ? "1" : "0").join("");
}

// older rewrites a section as older versions of the library wrote it, and
// puts what that says into fields.
function older(name, text, fields) {
  if (name === "usnat" && text[0] === "C") {
    fields.Version = 1;
    return "B" + text.slice(1);
  }
  if (name !== "tcfcav1") return text;
  const [core, ...rest] = text.split(".");
  const express = vendors(), implied = vendors(), list = restrictions().filter((r) => r.ids.length > 0);
  fields.VendorExpressConsent = ranges(express);
  fields.VendorImpliedConsent = ranges(implied);
  fields.PubRestrictions = list.map(({ key, type, ids }) => ({ key, type, ids: ranges(ids) }));
  const fixed = decodeBits(core).slice(0, 199) + fixedSet(express) + fixedSet(implied) +
    int(list.length, 12) + list.map((r) => int(r.key, 6) + int(r.type, 2) + fixedRanges(r.ids)).join("");
  const others = rest.map((s) => {
    if (s[0] < "I" || s[0] > "P") return s;
    const disclosed = vendors();
    fields.DisclosedVendors = ranges(disclosed);
    return encodeBits("001" + fixedSet(disclosed));
  });
  return [encodeBits(fixed), ...others].join(".");
}

function encoded() {
  const model = new GppModel();
  for (let i = pick([1, 1, 2, 3, 24]); i > 0; i--) {
    const name = pick(names);
    if (model.hasSection(name)) continue;
    if (fill[name]) {
      model.setFieldValue(name, "Version", name === "tcfeuv2" ? 2 : 1);
      fill[name]((field, value) => model.setFieldValue(name, field, value));
    } else {
      fillUS(model, name);
    }
  }
  return model.encode();
}

const nameOf = (id) => names[id === 2 ? 0 : id - 4];

function mutant(text) {
  const characters = [...text];
  for (let i = pick([1, 1, 2]); i > 0; i--) {
    const at = random(characters.length);
    switch (random(8)) {
      case 0: characters.splice(at, 1); break;
      case 1: characters.splice(at, 0, pick([...alphabet])); break;
      case 2: characters.length = at; break;
      case 3: characters[at] = pick(["~", ".", "-", "y", "=", " "]); break;
      default: characters[at] = pick([...alphabet]);
    }
  }
  return characters.join("");
}

function ranges(ids) {
  const list = [];
  for (const id of ids) {
    const last = list.at(-1);
    if (last && last[1] === id - 1) last[1] = id;
    else list.push([id, id]);
  }
  return { count: ids.length, ranges: list };
}

// describe brings a section into the shape of the vectors: sub-sections that
// are absent are left out, and vendors are ranges.
function describe(name, text, section) {
  if (name === "tcfeuv2") return text;
  if (us.includes(name) && !text.includes(".")) {
    delete section.GpcSegmentType;
    delete section.Gpc;
    if (sensitiveApart.includes(name)) delete section.SensitiveDataProcessing;
  }
  if (name === "tcfcav1") {
    for (const field of ["VendorExpressConsent", "VendorImpliedConsent", "DisclosedVendors"]) section[field] = ranges(section[field]);
    section.PubRestrictions = section.PubRestrictions.map(({ key, type, ids }) => ({ key, type, ids: ranges(ids) }));
  }
  return section;
}

function decode(text) {
  let model, sectionIds, listed;
  const [header, ...texts] = text.split("~");
  try {
    model = new GppModel(text);
    sectionIds = model.getSectionIds();
    listed = new HeaderV1(header).getFieldValue("SectionIds");
  } catch {
    return null;
  }
  const sections = {};
  for (const id of sectionIds) {
    const name = nameOf(id);
    try {
      sections[name] = describe(name, texts[listed.indexOf(id)], name === "tcfeuv2" ? null : model.getSection(name));
    } catch {
      sections[name] = null;
    }
  }
  return { sectionIds, sections };
}

for (let i = 0; i < count; i++) {
  const text = encoded(), decoded = decode(text);
  console.log(JSON.stringify({ kind: "encoded", gpp: text, decoded }));
  const changed = mutant(text);
  console.log(JSON.stringify({ kind: "mutant", gpp: changed, decoded: decode(changed) }));
  const [header, ...sections] = text.split("~");
  const rewritten = sections.map((s, i) => {
    const name = nameOf(decoded.sectionIds[i]);
    return older(name, s, decoded.sections[name]);
  });
  const olderText = [header, ...rewritten].join("~");
  if (olderText !== text) console.log(JSON.stringify({ kind: "older", gpp: olderText, decoded }));
}
