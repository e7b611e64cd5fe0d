"use strict";
// Without this file every page still works: progress reloads itself, text is selected by hand.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).innerText);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

const live = document.getElementById("live");
if (live && live.dataset.events) {
  const list = document.getElementById("steps");
  const said = document.getElementById("said");
  const events = new EventSource(live.dataset.events);
  let last = "";
  events.onmessage = (event) => {
    const scan = JSON.parse(event.data);
    if (scan.state !== "running") {
      events.close();
      if (scan.state === "done") location.replace("/reports/" + scan.report); else location.reload();
      return;
    }
    list.replaceChildren(...scan.steps.map((step, i) => row(step, i === scan.steps.length - 1)));
    const now = scan.steps.at(-1);
    if (now && now.title !== last) { last = now.title; said.textContent = now.title; }
  };
}

function row(step, current) {
  const item = document.createElement("li");
  const badge = item.appendChild(document.createElement("span"));
  badge.className = current ? "badge info" : "badge good";
  badge.textContent = current ? "now" : "done";
  const text = item.appendChild(document.createElement("span"));
  text.className = "text";
  text.append(step.title + " ");
  const figure = text.appendChild(document.createElement("span"));
  figure.className = "small soft";
  figure.textContent = [step.figure || "", step.seconds >= 1 ? step.seconds.toFixed(1) + " s" : ""].join(" ");
  if (current) {
    text.append(document.createElement("br"));
    const bar = text.appendChild(document.createElement("progress"));
    bar.max = 1;
    bar.setAttribute("aria-label", step.title);
    if (typeof step.share === "number") bar.value = step.share;
  }
  return item;
}
