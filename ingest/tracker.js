// The tracker of a site. It sends what the visitor agreed to and nothing else:
// without consent it stores nothing but the refusal itself, sends no cookie once
// that is heard, and of a page view only the address without its query.
//
//   <script defer src="https://COLLECTOR/sekisho.js?site=NAME"></script>
(function () {
  "use strict";
  if (window.sekisho) return; // included twice
  const config = /*CONFIG*/ null;
  const script = document.currentScript;
  const collector = new URL(script.src).origin;
  const optional = ["analytics", "advertising", "social"];

  // ---- consent --------------------------------------------------------

  const consentCookie = "sekisho_consent";
  let refusedHere = false; // by the latest choice, on this page, and not heard yet

  // The cookie's value is 1.DATE.PURPOSES: the policy version agreed to and the
  // granted purposes joined by "+", or "none". It holds no identifier. A choice
  // made before the policy last changed in substance is none.
  function readChoice() {
    const pair = cookies().split("; ").find((c) => c.startsWith(consentCookie + "="));
    const parts = /=1\.(\d{4}-\d\d-\d\d)\.([a-z+]+)$/.exec(pair || "");
    if (!parts || parts[1] < config.material) return null;
    const granted = parts[2] === "none" ? [] : parts[2].split("+");
    if (!granted.every((p) => optional.includes(p))) return null;
    const choice = { policy: parts[1] };
    for (const p of optional) choice[p] = granted.includes(p);
    return choice;
  }

  function writeChoice(choice) {
    const granted = optional.filter((p) => choice[p] === true);
    const text = granted.join("+") || "none";
    refusedHere = granted.length < optional.length;
    keepChoice("1." + config.policy + "." + text, 180 * 24 * 3600);
    unheard(refusedHere ? text : "");
  }

  // unheard returns the choice that refuses something and that the collector has
  // not answered yet, after keeping another one, or none, where one is given. The
  // page may be left before the collector is back: the next one goes on.
  function unheard(choice) {
    const key = "sekisho_unheard";
    try {
      if (choice) localStorage.setItem(key, choice);
      if (choice === "") localStorage.removeItem(key);
      return localStorage.getItem(key) || "";
    } catch {
      return "";
    }
  }

  function keepChoice(value, seconds) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    cookies(consentCookie + "=" + value + "; Path=/; Max-Age=" + seconds + "; SameSite=Lax" + secure);
  }

  // cookies returns them all, after setting one where one is given. A sandboxed
  // frame has none.
  function cookies(set) {
    try {
      if (set) document.cookie = set;
      return document.cookie;
    } catch {
      return "";
    }
  }

  // Global Privacy Control refuses whatever was clicked.
  function refusedByGPC(purpose) {
    return navigator.globalPrivacyControl === true && config.gpc.includes(purpose);
  }

  // session returns the session's id, which there is only while analytics is
  // agreed to, here or in another tab.
  function session() {
    const key = "sekisho_session";
    const choice = readChoice();
    try {
      if (!choice || !choice.analytics || refusedByGPC("analytics")) {
        sessionStorage.removeItem(key);
        return undefined;
      }
      const id = sessionStorage.getItem(key) || newID();
      sessionStorage.setItem(key, id);
      return id;
    } catch {
      return undefined; // the browser lets the page store nothing
    }
  }

  // ---- events ---------------------------------------------------------

  // A version 7 UUID (RFC 9562, section 5.7): a retry bears the same id and is
  // counted once.
  function newID() {
    const b = crypto.getRandomValues(new Uint8Array(16));
    let t = Date.now();
    for (let i = 5; i >= 0; i--) {
      b[i] = t % 256;
      t = Math.floor(t / 256);
    }
    b[6] = (b[6] & 0x0f) | 0x70;
    b[8] = (b[8] & 0x3f) | 0x80;
    const hex = Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  function track(type, fields) {
    const own = copyOf(fields);
    if (!own) return;
    const named = type === "custom" && Object.hasOwn(config.named, own.name);
    const rule = named ? config.named[own.name] : Object.hasOwn(config.events, type) && config.events[type];
    if (!rule) return;
    if (queue.length >= 500 && type !== "consent") return; // the collector is long out of reach
    const event = { id: newID(), time: new Date().toISOString(), type, rule, own, agreed: optional };
    // A frame without an address of its own is of the page around it.
    event.url = (/^about:/.test(location.href) ? document.baseURI : location.href).split("#")[0];
    event.title = document.title;
    event.refusal = unheard(); // which it tells of
    event.waiting = !readChoice();
    if (event.waiting) tell(event, "waiting");
    else settle(event);
    queue.push(event);
    Promise.resolve().then(() => send()); // what is tracked in this turn goes together
    return event.id;
  }

  // copyOf returns an event's fields as they are now. What cannot be sent is said
  // to the page's developer: in the queue it would hold up all that follows.
  function copyOf(fields) {
    try {
      const own = JSON.parse(JSON.stringify(Object.assign({}, fields)));
      if (own.url) own.url = address(new URL(own.url, document.baseURI));
      return own;
    } catch (problem) {
      console.error("sekisho: an event cannot be sent:", problem);
    }
  }

  // address returns an address as the collector takes it: without its query where
  // it is too long, or without its path.
  function address(page) {
    return [page.href, page.origin + page.pathname].find((a) => a.length <= 4096) || page.origin + "/";
  }

  // settle narrows what an event is under to what is agreed to now. It never
  // widens: what was refused while the event waited stays refused.
  function settle(event) {
    const choice = readChoice();
    event.agreed = event.agreed.filter((p) => choice && choice[p]);
    event.policy = choice ? choice.policy : config.policy;
    // It is of the visitor who chose, who is not known from before.
    if (choice && event.waiting && !event.chosen) event.chosen = new Date().toISOString();
  }

  // form returns the event as it may leave now, or null when it may not.
  function form(event) {
    settle(event);
    const base = { id: event.id, time: event.time, site: config.site, type: event.type };
    base.consent = { policy: event.policy };
    for (const p of optional) base.consent[p] = event.agreed.includes(p);
    if (event.chosen) base.consent.time = event.chosen;
    if (navigator.globalPrivacyControl === true) base.consent.gpc = true;

    const agreed = (p) => event.agreed.includes(p) && !refusedByGPC(p);
    if (agreed(event.rule.purpose)) {
      const page = agreed("analytics") ? environment(event) : { url: address(new URL(event.url)) };
      return { credentials: "include", fields: Object.assign(page, event.own, base) };
    }
    session(); // ends with the consent, wherever that was taken back
    if (event.rule.without === "dropped") return null;
    const required = { name: event.own.name, ad_placement: event.own.ad_placement };
    const own = event.rule.without === "allowed" ? event.own : required;
    const page = new URL(event.own.url || address(new URL(event.url)));
    const bare = Object.assign({}, own, { url: page.origin + page.pathname }, base);
    if (event.type !== "consent" && !unheard()) return { credentials: "omit", fields: bare };
    // A choice goes with the visitor cookie, which only the collector can read
    // and has to take away from who refuses, and so does what follows a refusal
    // that was not heard. It goes by itself, so that nothing agreed to later is
    // sent under that cookie.
    return { credentials: "include", alone: event.agreed.length === 0, fields: bare };
  }

  // environment is what an event may say once analytics was agreed to.
  function environment(event) {
    const page = new URL(event.url);
    const fields = {
      url: address(page),
      title: clip(event.title, 512),
      language: navigator.language,
      timezone: Intl.DateTimeFormat().resolvedOptions().timeZone,
      screen_width: Math.round(screen.width),
      screen_height: Math.round(screen.height),
      viewport_width: Math.round(innerWidth),
      viewport_height: Math.round(innerHeight),
      session_id: session(),
    };
    if (/^https?:.{0,4000}$/.test(document.referrer)) fields.referrer = document.referrer;
    for (const name of ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"]) {
      const value = page.searchParams.get(name);
      if (value) fields[name] = clip(value, 256);
    }
    return fields;
  }

  // clip makes a text one that the collector takes: no control characters, and
  // so many bytes.
  function clip(text, bytes) {
    const points = Array.from(text.slice(0, bytes).replace(/[\x00-\x1f\x7f-\x9f]/g, " "));
    while (new TextEncoder().encode(points.join("")).length > bytes) points.pop();
    return points.join("");
  }

  // ---- sending --------------------------------------------------------

  const queue = [];
  let latest = Promise.resolve(); // request
  let underway = 0;
  let pause = 1000;
  let paused = false;
  let leaving = false;

  // send keeps one request under way: the first answer after consent sets the
  // visitor cookie, and what follows must carry it. Until a choice is made
  // everything waits for it. Only a page that is being left cannot wait, and tries
  // a last time; then no choice is a refusal. A page rendered ahead may never be seen, and sends
  // nothing until it is.
  function send(last) {
    if (document.prerendering) return;
    do {
      if (paused && !last) return;
      if (!leaving && (underway > 0 || !readChoice())) return;
      const batch = take();
      if (batch.length === 0) return;
      latest = post(batch);
    } while (leaving);
  }

  // take takes from the queue what one request carries: little enough to
  // outlive the page, as 64 KiB may (Fetch standard, section 4.6).
  function take() {
    const batch = [];
    let size = 0;
    while (queue.length > 0 && batch.length < 20) {
      const event = queue[0];
      const next = form(event);
      const text = next && JSON.stringify(next.fields);
      if (!next || text.length > 200000) {
        queue.shift();
        tell(event, "withheld");
        continue;
      }
      size += text.length;
      const fits = size < 15000 && next.credentials === batch[0]?.credentials && !next.alone;
      if (batch.length > 0 && !fits) break;
      queue.shift();
      batch.push({ event, text, credentials: next.credentials });
      if (next.alone) break;
    }
    return batch;
  }

  async function post(batch) {
    const body = "[" + batch.map((e) => e.text).join() + "]";
    const headers = { "Content-Type": "text/plain" }; // needs no preflight
    // What goes beside another request goes without the cookie that its answer may bring.
    const told = underway === 0 && batch.find((e) => e.credentials === "include" && e.event.refusal);
    if (telling && !leaving) headers.Prefer = "return=representation";
    let answer = null;
    underway++;
    try {
      answer = await fetch(collector + "/v1/events", {
        method: "POST",
        body,
        headers,
        credentials: batch[0].credentials,
        referrerPolicy: "no-referrer",
        keepalive: body.length < 20000,
        signal: AbortSignal.timeout(20000),
      });
    } catch {
      // Out of reach: answer stays null.
    }
    underway--;
    if (!answer || answer.status === 408 || answer.status === 429 || answer.status >= 500) {
      queue.unshift(...batch.map((e) => e.event));
      retry(answer);
      return;
    }
    pause = 1000;
    if (told && told.event.refusal === unheard()) {
      unheard("");
      refusedHere = false;
    }
    send();
    if (telling) tellAnswer(batch, await answer.json().catch(() => ({})));
  }

  // retry sends again after a pause that doubles to a minute, spread so that
  // browsers do not all come back at once, or after that which is asked for, up to
  // an hour.
  function retry(answer) {
    if (paused) return; // with what failed before
    const asked = answer ? Number(answer.headers.get("Retry-After")) * 1000 : 0;
    const wait = Math.max(Math.min(asked || 0, 3600000), pause * (0.5 + Math.random()));
    pause = Math.min(pause * 2, 60000);
    paused = true;
    setTimeout(() => {
      paused = false;
      send();
    }, wait);
  }

  // ---- for pages ------------------------------------------------------

  // With data-outcomes on the script element the page is told what becomes of
  // each event, by "sekisho:outcome" on the window: its id, type and name, the
  // outcome (the collector's, or "waiting" for a choice, or "withheld" here),
  // and the collector's reason. For pages that show it; it costs a preflight.
  const telling = script.hasAttribute("data-outcomes");

  function tell(event, outcome, reason) {
    if (!telling) return;
    const detail = { id: event.id, type: event.type, name: event.own.name, outcome, reason };
    dispatchEvent(new CustomEvent("sekisho:outcome", { detail }));
  }

  function tellAnswer(batch, answer) {
    (answer.events || []).forEach((e, i) => tell(batch[i].event, e.outcome, e.reason));
  }

  window.sekisho = {
    // track("ad_click", {ad_placement: "top"}) tracks an event of the page. It
    // returns the event's id, or undefined when there is none to track: given to
    // a vendor's pixel, the vendor knows the two for one.
    track,
    // choice() is {policy, analytics, advertising, social}, or null when none
    // was made.
    choice: readChoice,
    // choose({analytics: true}) keeps and records a choice; what it leaves out
    // is refused.
    choose(choice) {
      const old = session();
      // What was refused on an earlier page has to be heard first: whoever agrees
      // again is a new visitor.
      if (unheard() && !refusedHere) track("consent");
      writeChoice(choice);
      queue.forEach(settle);
      session();
      // Whoever declines everything is reset, and the session with it.
      const declined = !optional.some((p) => choice[p] === true);
      track("consent", declined && old ? { session_id: old } : {});
    },
    // reset() has everything known of this browser forgotten, the choice too;
    // whoever agrees again is a new visitor. Resolves to whether it was done.
    async reset() {
      queue.length = 0;
      await latest; // its answer may still bring a cookie
      let answer;
      try {
        answer = await fetch(collector + "/v1/reset", {
          method: "POST",
          body: "{}",
          headers: { "Content-Type": "application/json" },
          credentials: "include",
          referrerPolicy: "no-referrer",
          signal: AbortSignal.timeout(20000),
        });
      } catch {
        return false;
      }
      if (!answer.ok && answer.status !== 400) return false; // 400: nothing was known
      queue.length = 0;
      keepChoice("", 0);
      unheard("");
      session();
      return true;
    },
  };

  // ---- the page's life ------------------------------------------------

  let shown = document.visibilityState === "visible" ? performance.now() : 0;

  function leave() {
    const seen = shown && Math.round(performance.now() - shown);
    shown = 0;
    if (seen > 1000) track("custom", { name: "engagement", engagement_ms: Math.min(seen, 86400000) });
    leaving = true;
    send(true);
  }

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") return leave();
    leaving = false;
    shown = performance.now();
    send(); // a choice may have been made in another tab
  });
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (e) => {
    if (!e.persisted) return;
    leaving = false; // back from the browser's cache
    track("pageview");
  });

  function shownAtLast() {
    track("pageview");
    send(); // what was tracked meanwhile, too
  }

  // A page rendered ahead is not yet viewed.
  if (document.prerendering) document.addEventListener("prerenderingchange", shownAtLast, { once: true });
  else track("pageview");
  dispatchEvent(new CustomEvent("sekisho", { detail: window.sekisho }));
})();
