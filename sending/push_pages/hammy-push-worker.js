/*
 * Shows pushes, once each. A page's own origin must serve it: copy it there, or let a file there say
 *
 *   importScripts("https://hammy.example.com/push/hammy-push-worker.js");
 *
 * A push may arrive twice, when a server fell over just as it was sent, and an overridden one late; its msg_id tells.
 * Windows that are open get each push as {type: "hammy-push", push: {…}}.
 */
"use strict";

const TOLD = "told";
const SETTINGS = "settings";
const MOST_KEPT = 1000;

function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("hammy-push", 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(SETTINGS);
      request.result.createObjectStore(TOLD);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/* What is kept of a push with a topic, beside its id: which was the last. */
function topicOf(push) {
  return `topic ${self.registration.scope} ${push.topic}`;
}

/* Whether it is known, or one that overrides it came before, as behind a push service that had to be tried again. */
async function wasTold(base, push) {
  const store = base.transaction(TOLD).objectStore(TOLD);
  if ((await done(store.get(push.msg_id))) !== undefined) {
    return true;
  }
  const last = push.topic && (await done(store.get(topicOf(push))));
  return Boolean(last) && Number(last.id) > Number(push.msg_id);
}

async function remember(base, push) {
  const store = base.transaction(TOLD, "readwrite").objectStore(TOLD);
  const at = Date.now();
  await done(store.put(at, push.msg_id));
  if (push.topic) {
    await done(store.put({ at, id: push.msg_id }, topicOf(push)));
  }
  if ((await done(store.count())) > MOST_KEPT) {
    const keys = await done(store.getAllKeys());
    const times = (await done(store.getAll())).map((kept) => kept.at || kept);
    const oldest = keys.map((key, index) => [times[index], key]).sort((one, other) => one[0] - other[0]);
    for (const [, key] of oldest.slice(0, MOST_KEPT / 2)) {
      store.delete(key);
    }
  }
}

function read(event) {
  try {
    const push = event.data.json();
    return push && typeof push === "object" ? push : null;
  } catch {
    return null;
  }
}

function notificationOf(push) {
  const notification = push.notification || {};
  const web = notification.web || {};
  const message = push.message || {};
  // An object is for the page alone.
  const content = typeof message.msg_content === "string" ? message.msg_content : "";
  return {
    title: web.title || message.title || self.location.hostname,
    options: {
      body: web.alert || notification.alert || content,
      icon: web.icon,
      image: web.image,
      // The same tag takes the other's place: what came twice, and what was overridden.
      tag: push.topic || push.msg_id,
      data: { url: web.url, push },
    },
  };
}

async function tellWindows(push) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const one of windows) {
    one.postMessage({ type: "hammy-push", push });
  }
  return windows.some((one) => one.visibilityState === "visible");
}

async function show(push) {
  const base = await database();
  try {
    if (push.msg_id && (await wasTold(base, push))) {
      return;
    }
    const isSeen = await tellWindows(push);
    // What is for the page alone needs no notification while somebody looks at it; browsers want one otherwise.
    if (!(push.message && isSeen)) {
      const { title, options } = notificationOf(push);
      await self.registration.showNotification(title, options);
    }
    if (push.msg_id) {
      await remember(base, push);
    }
  } finally {
    base.close();
  }
}

async function open(url) {
  let target;
  try {
    target = new URL(url || "/", self.location.origin);
  } catch {
    target = new URL("/", self.location.origin);
  }
  if (target.protocol !== "https:" && target.protocol !== "http:") {
    return;
  }
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const present = windows.find((one) => one.url === target.href);
  await (present ? present.focus() : self.clients.openWindow(target.href));
}

function base64url(buffer) {
  const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/* A browser asks for this once: what is refused for now is asked again after a while. */
async function asked(address, options) {
  for (const seconds of [5, 20, 0]) {
    const response = await fetch(address, { ...options, credentials: "omit" }).catch(() => null);
    if (response && response.ok) {
      return response.json();
    }
    if (!seconds) {
      throw new Error(response ? `the server answered ${response.status}` : "the server cannot be reached");
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

/* What the page left for this worker: another on the same origin may serve another client. */
async function renewal() {
  const base = await database();
  try {
    return await done(base.transaction(SETTINGS).objectStore(SETTINGS).get(`renewal ${self.registration.scope}`));
  } finally {
    base.close();
  }
}

async function keepRenewal(settings) {
  const base = await database();
  try {
    const store = base.transaction(SETTINGS, "readwrite").objectStore(SETTINGS);
    await done(store.put(settings, `renewal ${self.registration.scope}`));
  } finally {
    base.close();
  }
}

async function renew(event) {
  const settings = await renewal();
  if (!settings) {
    return;
  }
  const headers = { "X-Application-Key": settings.key };
  const { public_key } = await asked(`${settings.server}/v4/devices/key`, { headers });
  const text = atob(public_key.replace(/-/g, "+").replace(/_/g, "/"));
  const subscription =
    event.newSubscription ||
    (await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: Uint8Array.from(text, (character) => character.charCodeAt(0)),
    }));
  // A browser that renewed by itself kept to the key that it knew.
  const trusted = subscription.options.applicationServerKey;
  const { registration_id } = await asked(`${settings.server}/v4/devices`, {
    method: "POST",
    headers: { ...headers, "Content-Type": "application/json" },
    body: JSON.stringify({
      ...subscription.toJSON(),
      public_key: trusted ? base64url(trusted) : public_key,
      registration_id: settings.registration_id,
    }),
  });
  // One that was removed meanwhile is another now, and it is that one that renews the next time.
  await keepRenewal({ ...settings, registration_id });
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => {
  const push = event.data && read(event);
  if (push) {
    // One after the other, or the same push twice at once would find itself unknown twice.
    event.waitUntil(navigator.locks.request("hammy-push", () => show(push)));
  }
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data && event.notification.data.url));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));
