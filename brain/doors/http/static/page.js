// What the page does beyond plain HTML: an answer that comes piece by piece, and the keys of an answer.
// Without it every form works as it stands. It inserts nothing but what the server has made safe.
"use strict";

const answer = document.getElementById("answer");
const form = document.querySelector("form[data-streams]");
let running = null;

// -- an answer as it comes ------------------------------------------------------------------------

function* events(buffer) {
  for (const block of buffer) {
    const name = /^event: (.*)$/m.exec(block);
    const data = /^data: (.*)$/m.exec(block);
    if (name && data) yield [name[1], JSON.parse(data[1])];
  }
}

function show(name, said) {
  if (name === "answer" || name === "error") {
    answer.innerHTML = said.html;
    htmx.process(answer);
    return;
  }
  const place = answer.querySelector(`[data-of="${said.into}"]`);
  if (place) place.insertAdjacentHTML("beforeend", said.html);
}

async function stream(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const [name, said] of events(blocks)) show(name, said);
  }
}

// What is answered in the place of events: HTML of the page, or what the guard says to programs.
async function refused(response) {
  const text = await response.text();
  if ((response.headers.get("content-type") || "").startsWith("text/html")) {
    answer.innerHTML = text;
    return;
  }
  const { message, hint } = JSON.parse(text).error;
  answer.innerHTML = document.getElementById("broken").innerHTML;
  answer.querySelector("h2").textContent = message;
  answer.querySelector(".lead").textContent = hint;
}

async function ask(event) {
  event.preventDefault();
  if (running) running.abort();
  const mine = running = new AbortController();
  const stop = form.querySelector("[data-stop]");
  answer.innerHTML = document.getElementById("coming").innerHTML;
  stop.hidden = false;
  try {
    const response = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { accept: "text/event-stream" },
      signal: mine.signal,
    });
    if ((response.headers.get("content-type") || "").startsWith("text/event-stream")) {
      await stream(response);
    } else {
      await refused(response);
    }
  } catch (error) {
    const which = error.name === "AbortError" ? "stopped" : "broken";
    if (running === mine) answer.innerHTML = document.getElementById(which).innerHTML;
  }
  if (running !== mine) return;
  running = null;
  stop.hidden = true;
  const heading = answer.querySelector("h2");
  if (heading && !document.activeElement.matches("textarea, select")) heading.focus();
}

if (form) {
  form.addEventListener("submit", ask);
  form.querySelector("[data-stop]").addEventListener("click", () => running && running.abort());
}

// -- keys, while the answer has the focus: 1 to 9 opens that source, / goes back to the question ---

if (answer) {
  answer.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    if (event.key === "/") {
      event.preventDefault();
      form.elements.question.select();
    } else if (/^[1-9]$/.test(event.key)) {
      const link = answer.querySelector(`.sources [data-number="${event.key}"]`);
      if (link) link.click();
    }
  });
}

// -- a place that is not among the parts that are shown --------------------------------------------

const wanted = location.hash.slice(1);
const text = document.querySelector("[data-parts]");
if (text && wanted && !document.getElementById(wanted)) {
  const address = new URL(location.href);
  if (!address.searchParams.has("at")) {
    address.searchParams.set("at", wanted);
    location.replace(address);
  }
}
