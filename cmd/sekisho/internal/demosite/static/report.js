// "What this page sent": shows the visitor what became of each event of the
// page. It runs before the tracker, so that it misses none.
(function () {
  "use strict";
  const events = new Map(); // by id, in the order in which they happened

  const types = {
    pageview: "Page view",
    ad_impression: "Advertisement seen",
    ad_click: "Advertisement clicked",
    conversion: "Order",
    consent: "Your choice",
    engagement: "Time in view",
    share: "Share",
  };
  const outcomes = {
    waiting: "waits for your choice",
    withheld: "not sent",
    allowed: "sent, as you agreed",
    anonymised: "counted, without you",
    dropped: "stopped at the checkpoint",
    rejected: "turned back as malformed",
  };

  function show() {
    const choice = window.sekisho ? window.sekisho.choice() : null;
    document.getElementById("report").hidden = !window.sekisho;
    document.getElementById("report-choice").textContent = choiceText(choice);
    document.getElementById("report-events").replaceChildren(...Array.from(events.values(), line));
    const sent = Array.from(events.values()).filter((e) => e.outcome !== "waiting" && e.outcome !== "withheld");
    document.getElementById("report-count").textContent = String(sent.length);
  }

  function choiceText(choice) {
    if (!choice) return "You have not chosen: until you do, nothing is sent.";
    const agreed = ["analytics", "advertising", "social"].filter((p) => choice[p]);
    const signal = navigator.globalPrivacyControl === true ? " Your browser’s Global Privacy Control takes advertising and social out of it." : "";
    return (agreed.length ? "You agreed to " + agreed.join(", ") + "." : "You declined everything optional.") + signal;
  }

  function line(event) {
    const item = document.createElement("li");
    item.className = event.outcome;
    const what = document.createElement("b");
    what.textContent = types[event.name] || types[event.type] || event.type;
    const became = event.type === "consent" && event.outcome === "allowed" ? "recorded" : outcomes[event.outcome];
    item.append(what, " " + (became || event.outcome));
    return item;
  }

  addEventListener("sekisho:outcome", (e) => {
    events.set(e.detail.id, e.detail);
    show();
  });
  addEventListener("shop:choice", show);
})();
