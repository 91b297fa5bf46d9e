"use strict";

const element = (id) => document.getElementById(id);

function say(text, kind = "") {
  element("state").textContent = text;
  element("state").className = kind;
}

/* A push as a line of the list: what it says, and below it all that came. */
function lineOf(push) {
  const notification = push.notification || {};
  const web = notification.web || {};
  const message = push.message || {};
  const title = document.createElement("strong");
  title.textContent = web.title || message.title || "";
  const words = document.createElement("span");
  const content = typeof message.msg_content === "string" ? message.msg_content : "";
  words.textContent = web.alert || notification.alert || content;
  const all = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = `msg_id ${push.msg_id}`;
  const text = document.createElement("pre");
  text.textContent = JSON.stringify(push, null, 2);
  all.append(summary, text);
  const line = document.createElement("li");
  line.append(title, words, all);
  return line;
}

element("origin").textContent = location.origin;
if (!HammyPush.isSupported()) {
  say("This browser takes no pushes, or the page is not served over https.", "bad");
}

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const tags = element("tags")
    .value.split(",")
    .map((tag) => tag.trim())
    .filter(Boolean);
  say("Subscribing…");
  try {
    const id = await HammyPush.subscribe({
      key: element("key").value.trim(),
      worker: "hammy-push-worker.js",
      alias: element("alias").value.trim() || undefined,
      tags: tags.length ? tags : undefined,
    });
    say(`Subscribed. registration_id: ${id}`, "good");
  } catch (error) {
    say(`Not subscribed: ${error.message}`, "bad");
  }
});

element("leave").addEventListener("click", async () => {
  say((await HammyPush.unsubscribe()) ? "Unsubscribed." : "There was no subscription.");
});

if ("serviceWorker" in navigator) {
  navigator.serviceWorker.addEventListener("message", (event) => {
    if (event.data && event.data.type === "hammy-push") {
      element("told").prepend(lineOf(event.data.push));
    }
  });
}
