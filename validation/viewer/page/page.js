"use strict";
// A solve's candidates lie packed beside it and are unpacked when it is opened for the first time.

const solves = [...document.querySelectorAll("details.solve")];
const main = document.querySelector("main");
const none = document.getElementById("none");

async function unpack(solve) {
  const source = solve.querySelector(":scope > script");
  if (!source) return;
  source.remove();
  const bytes = Uint8Array.from(atob(source.textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  // The text was escaped when the page was made.
  solve.querySelector(".body").innerHTML = await new Response(stream).text();
}

function pressed(selector) {
  return [...document.querySelectorAll(selector)].filter((b) => b.ariaPressed === "true");
}

function update() {
  const wanted = pressed("button[data-filter]").map((button) => button.dataset.filter);
  let count = 0;
  for (const solve of solves) {
    solve.hidden = !wanted.every((name) => solve.classList.contains(name));
    count += !solve.hidden;
  }
  none.hidden = count > 0;
  document.getElementById("shown").value = `${count} of ${solves.length} shown`;
  document.body.classList.toggle("source", pressed("button[data-source]").length > 0);
}

function order() {
  const bySure = pressed("button[data-order]").length > 0;
  const ordered = [...solves];
  if (bySure) ordered.sort((a, b) => a.dataset.votes - b.dataset.votes);
  main.append(...ordered, none);
}

for (const solve of solves) {
  solve.addEventListener("toggle", () => solve.open && unpack(solve));
}
for (const button of document.querySelectorAll(".filters button")) {
  button.addEventListener("click", () => {
    button.ariaPressed = button.ariaPressed === "true" ? "false" : "true";
    if ("order" in button.dataset) order();
    update();
  });
}
update();
