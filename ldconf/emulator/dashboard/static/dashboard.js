// Keeps the sections of the page up to date, and says moments as "5 s ago".
"use strict";

const EVERY_MS = 1500;
const PATIENCE_MS = 10000;
const main = document.getElementById("content");
const status = document.getElementById("status");
const pause = document.getElementById("pause");
let paused = false;

function say(words, kind) {
  if (status.textContent !== words) status.textContent = words;
  status.className = kind;
}

function ago(time) {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.round(seconds / 3600)} h ago`;
  return new Date(time.dateTime).toLocaleDateString();
}

function tellTimes() {
  for (const time of document.querySelectorAll("time")) {
    const words = ago(time);
    if (time.textContent !== words) time.textContent = words;
  }
}

function cells(section) {
  const rows = new Map();
  for (const row of section.querySelectorAll("article tbody tr")) {
    const caption = row.closest("table").caption.textContent;
    rows.set(caption + row.cells[0].textContent, [...row.cells]);
  }
  return rows;
}

function flash(before, section) {
  for (const [name, now] of cells(section)) {
    const then = before.get(name);
    now.forEach((cell, index) => {
      if (!then || then[index].textContent !== cell.textContent) cell.classList.add("changed");
    });
  }
}

// Replaces a section without closing what is open in it or losing focus and scroll positions.
function replace(part) {
  const old = document.getElementById(part.id);
  const made = new DOMParser().parseFromString(part.html, "text/html").body.firstElementChild;
  const paths = [...old.querySelectorAll("details, details pre")];
  const focus = old.contains(document.activeElement) ? pathOf(document.activeElement, old) : null;
  const states = paths.map((node) => [pathOf(node, old), node.open, node.scrollTop]);
  const before = cells(old);
  old.replaceWith(document.adoptNode(made));
  for (const [path, open, scroll] of states) {
    const node = path && made.querySelector(path);
    if (!node) continue;
    if (open) node.open = true;
    if (scroll) node.scrollTop = scroll;
  }
  if (focus) made.querySelector(focus)?.focus({ preventScroll: true });
  if (before.size) flash(before, made);
}

// A selector that finds the same node in the new section: its details, then what is inside.
function pathOf(node, section) {
  const details = node.closest("details");
  if (!details || !section.contains(details)) return null;
  const outer = `#${CSS.escape(details.id)}`;
  if (node === details) return outer;
  if (node.tagName === "SUMMARY") return `${outer} > summary`;
  const figure = node.closest("figure");
  const place = figure ? [...details.children].indexOf(figure) + 1 : 0;
  return place ? `${outer} > :nth-child(${place}) pre` : null;
}

async function refresh() {
  const seen = [...main.querySelectorAll("[data-part]")].map((part) => part.dataset.part);
  const answer = await fetch(`${main.dataset.live}&seen=${seen}`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!answer.ok) throw new Error(answer.statusText);
  const parts = await answer.json();
  if (paused) return;
  parts.forEach(replace);
  say("live", "on");
}

async function loop() {
  for (;;) {
    await new Promise((done) => setTimeout(done, EVERY_MS));
    if (!paused && !document.hidden) {
      try {
        await refresh();
      } catch {
        if (!paused) say("no answer from ldconf dev, trying again", "lost");
      }
    }
    tellTimes();
  }
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  say(paused ? "paused" : "live", paused ? "" : "on");
});
pause.hidden = false;
say("live", "on");
tellTimes();
loop();
