// What a page gains where JavaScript runs: times in the viewer's zone, and parts that stay fresh. Nothing depends on it.
"use strict";

const EVERY_MS = 3000;
const LOOK_ON_MS = 30000;
const near = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const far = new Intl.DateTimeFormat(undefined, {
  day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  hourCycle: "h23",
});

function localise(root) {
  const today = new Date().toDateString();
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    time.textContent = (moment.toDateString() === today ? near : far).format(moment);
  }
}

function adopt(root) {
  localise(root);
  for (const details of root.querySelectorAll("details")) details.dataset.came = details.open;
}

// A part in which somebody types, selects, has chosen, opened or closed something is left alone.
function isInUse(part) {
  const selection = getSelection();
  const isSelected = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
  const isUnfolded = [...part.querySelectorAll("details")].some((details) => String(details.open) !== details.dataset.came);
  const isChosen = [...part.querySelectorAll("option")].some((option) => option.selected !== option.defaultSelected);
  const isAimedAt = part.querySelector("button:hover") !== null; // else another would stand there when it is pressed
  return isSelected || isUnfolded || isChosen || isAimedAt || part.contains(document.activeElement);
}

function renew(part, fresh) {
  if (part.hasAttribute("data-keep")) {
    for (const { name, value } of fresh.attributes) part.setAttribute(name, value);
  } else if (part.dataset.told !== fresh.innerHTML && !isInUse(part)) {
    part.dataset.told = fresh.innerHTML;
    part.innerHTML = fresh.innerHTML;
    adopt(part);
  }
}

async function fetched(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html", "X-Relay-Fresh": "1" } });
  if (answer.redirected) location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function refresh() {
  const page = await fetched(location.href);
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (fresh) renew(part, fresh);
  }
  document.dispatchEvent(new Event("relay:fresh"));
}

// A page of a search tells what it found in a short time. Where that is nothing yet, the next pages are looked at, too.
async function lookOn() {
  const list = document.querySelector('[data-live="events"]');
  const end = performance.now() + LOOK_ON_MS;
  let searched = 0;
  for (let pager; (pager = list?.querySelector("[data-searched]")); ) {
    searched += Number(pager.dataset.searched);
    const isOver = performance.now() > end;
    pager.querySelector("span").textContent = `Nothing among the newest ${searched.toLocaleString("en")} events${isOver ? " so far." : "; looking on …"}`;
    if (isOver) return;
    const address = pager.querySelector("a").href;
    list.innerHTML = (await fetched(address)).querySelector('[data-live="events"]').innerHTML;
    history.replaceState(null, "", address);
    adopt(list);
  }
}

function isOlderPage() {
  return new URLSearchParams(location.search).has("cursor");
}

function keepFresh() {
  const gone = document.getElementById("gone");
  const tail = document.querySelector(".tail");
  if (tail) {
    tail.hidden = false;
    tail.addEventListener("click", () => tail.setAttribute("aria-pressed", String(tail.getAttribute("aria-pressed") !== "true")));
  }
  setInterval(async () => {
    if (document.hidden || isOlderPage() || (tail && tail.getAttribute("aria-pressed") !== "true")) return;
    try {
      await refresh();
      gone.hidden = true;
    } catch {
      gone.hidden = false;
    }
  }, EVERY_MS);
}

adopt(document);
document.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
if (document.querySelector("[data-live]") && !isOlderPage()) keepFresh();
lookOn().catch(() => {}); // the link to the next page is still there
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  document.querySelector(".find input").focus();
});
