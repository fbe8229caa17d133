// What the shop does with the tracker: it asks for consent, keeps the settings,
// and tracks advertisements and orders. Without the tracker (the collector is
// out of reach, or blocked) it is still a shop.
(function () {
  "use strict";
  const sekisho = window.sekisho || null;
  const byID = (id) => document.getElementById(id);
  const onClick = (id, act) => byID(id) && byID(id).addEventListener("click", act);
  const purposes = ["analytics", "advertising", "social"];
  const track = (type, fields) => sekisho && sekisho.track(type, fields);

  // ---- consent --------------------------------------------------------

  function choose(choice) {
    if (!sekisho) return;
    sekisho.choose(choice);
    showConsent();
    say("Your choice is kept. You can change it under Privacy at any time.");
  }

  const everything = () => choose({ analytics: true, advertising: true, social: true });
  const nothing = () => choose({});

  // say tells it to those who see the page and to those who hear it.
  function say(text) {
    byID("said").textContent = text;
    if (byID("settings-status")) byID("settings-status").textContent = text;
  }

  let shown; // choice

  function showConsent() {
    if (!sekisho) return;
    const choice = sekisho.choice();
    shown = JSON.stringify(choice);
    const banner = byID("banner");
    if (choice && banner.contains(document.activeElement)) byID("main").focus({ preventScroll: true });
    banner.hidden = choice !== null;
    for (const p of purposes) if (byID(p)) byID(p).checked = choice !== null && choice[p];
    dispatchEvent(new CustomEvent("shop:choice"));
  }

  onClick("accept", everything);
  onClick("decline", nothing);
  onClick("all", everything);
  onClick("none", nothing);
  onClick("save", () => choose(Object.fromEntries(purposes.map((p) => [p, byID(p).checked]))));
  onClick("forget", async () => {
    const status = byID("reset-status");
    status.textContent = "One moment…";
    const done = sekisho !== null && (await sekisho.reset());
    status.textContent = done
      ? "Done. You are forgotten, and nothing is collected from you until you choose again."
      : "The checkpoint cannot be reached. Nothing was changed; please try again.";
    showConsent();
  });
  if (byID("gpc")) byID("gpc").hidden = navigator.globalPrivacyControl !== true;
  showConsent();

  // The choice may have been made in another tab, or on a page that was gone back from.
  // If not, what was ticked here and is not saved yet stays.
  function showAnother() {
    if (sekisho && JSON.stringify(sekisho.choice()) !== shown) showConsent();
  }

  addEventListener("pageshow", showAnother);
  document.addEventListener("visibilitychange", showAnother);

  // ---- advertisements -------------------------------------------------

  const slot = byID("ad");
  if (slot) {
    const ad = {
      ad_placement: slot.dataset.placement,
      ad_campaign: slot.dataset.campaign,
      ad_creative: slot.dataset.creative,
      ad_network: slot.dataset.network,
    };
    new IntersectionObserver((seen, observer) => {
      if (!seen.some((s) => s.isIntersecting)) return;
      observer.disconnect();
      track("ad_impression", ad);
    }, { threshold: 0.5 }).observe(slot);
    slot.querySelector("a").addEventListener("click", () => track("ad_click", ad));
  }

  // ---- sharing and ordering -------------------------------------------

  onClick("share", async () => {
    track("custom", { name: "share" });
    const link = location.origin + location.pathname;
    const copied = await navigator.clipboard.writeText(link).then(() => true, () => false);
    byID("share").textContent = copied ? "Link copied" : "Shared";
  });

  onClick("order", () => {
    const button = byID("order");
    button.disabled = true;
    const number = Array.from(crypto.getRandomValues(new Uint8Array(4)), (x) => x.toString(16).padStart(2, "0"));
    const order = "EX-" + number.join("").toUpperCase();
    track("conversion", {
      name: "order",
      order_id: order,
      value: Number(button.dataset.value),
      currency: button.dataset.currency,
      properties: { items: 1 },
    });
    location.assign("/thanks?order=" + order);
  });
})();
