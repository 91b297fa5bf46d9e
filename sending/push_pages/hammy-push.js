/*
 * Subscribes a page's browser to a client's pushes.
 *
 *   <script src="https://hammy.example.com/push/hammy-push.js"></script>
 *   const id = await HammyPush.subscribe({ key: "HA…", worker: "/hammy-push-worker.js", tags: ["news"] });
 *
 * key       the client's access id; no secret
 * worker    where hammy-push-worker.js lies on the page's own origin (browsers take it from nowhere else)
 * server    the address of Hammy; where this script comes from, unless given
 * alias, tags, language, timeZone   by what the browser is to be addressed; the last two as it has them, unless given
 *
 * Each call renews what there is, so call it whenever a page opens that people agreed on. It throws an Error that says
 * what is wrong: no such browser, not allowed by its user ("denied"), refused by the server, its push service out of
 * reach for half a minute.
 */
(() => {
  "use strict";

  const home = new URL(document.currentScript.src).origin;
  const STORE = "settings";
  const REACH_SECONDS = 30;

  function isSupported() {
    return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window && "indexedDB" in window;
  }

  function database() {
    return new Promise((resolve, reject) => {
      const request = indexedDB.open("hammy-push", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(STORE);
        request.result.createObjectStore("told");
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  async function kept(name) {
    const base = await database();
    return new Promise((resolve, reject) => {
      const request = base.transaction(STORE).objectStore(STORE).get(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    }).finally(() => base.close());
  }

  async function keep(name, value) {
    const base = await database();
    return new Promise((resolve, reject) => {
      const transaction = base.transaction(STORE, "readwrite");
      transaction.objectStore(STORE).put(value, name);
      transaction.oncomplete = () => resolve();
      transaction.onerror = () => reject(transaction.error);
    }).finally(() => base.close());
  }

  async function ask(server, key, path, body) {
    const response = await fetch(server + path, {
      method: body ? "POST" : "GET",
      // Nobody's password is asked for where the server refuses.
      credentials: "omit",
      headers: { "X-Application-Key": key, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    });
    const answer = await response.json().catch(() => ({}));
    if (response.status === 401) {
      // The contract's own sentence speaks of passwords, which no page has.
      throw new Error(`${key} is no client's access id`);
    }
    if (!response.ok) {
      throw new Error(answer.error ? answer.error.message : `the server answered ${response.status}`);
    }
    return answer;
  }

  /* Until the worker runs: no browser subscribes before. `ready` of the page would wait for ever where the worker's
     folder is not above the page. */
  function running(registration) {
    const worker = registration.installing || registration.waiting;
    if (registration.active || !worker) {
      return registration;
    }
    return new Promise((resolve, reject) => {
      worker.addEventListener("statechange", () => {
        if (worker.state === "activated") {
          resolve(registration);
        } else if (worker.state === "redundant") {
          reject(new Error("the worker could not be started"));
        }
      });
    });
  }

  /* The zone's name; browsers that do not know theirs say so in a way of their own. */
  function zone() {
    const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return name === "Etc/Unknown" ? undefined : name;
  }

  /* The browser's language, where it is a tag (BCP 47) as the server takes it; some say "en-US@posix". */
  function language() {
    const name = navigator.language || "";
    return name.length <= 35 && /^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,5}$/.test(name) ? name : undefined;
  }

  /* What a promise comes to, or an Error when it comes to nothing for so long. */
  function within(seconds, promise, sentence) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(sentence)), 1000 * seconds);
      promise.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  function bytes(base64url) {
    const text = atob(base64url.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(text, (character) => character.charCodeAt(0));
  }

  function isSame(buffer, other) {
    const one = new Uint8Array(buffer);
    return one.length === other.length && one.every((byte, index) => byte === other[index]);
  }

  /* The browser's subscription with this key: the one it has, or, when the key was changed, a fresh one. */
  async function subscribed(registration, publicKey) {
    const applicationServerKey = bytes(publicKey);
    const present = await registration.pushManager.getSubscription();
    if (present && present.options.applicationServerKey && isSame(present.options.applicationServerKey, applicationServerKey)) {
      return present;
    }
    if (present) {
      await present.unsubscribe();
    }
    return registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
  }

  async function subscribe({ key, worker, server = home, alias, tags, language: named, timeZone }) {
    if (!isSupported()) {
      throw new Error("this browser takes no pushes");
    }
    if ((await Notification.requestPermission()) !== "granted") {
      throw new Error("denied");
    }
    const { public_key } = await ask(server, key, "/v4/devices/key");
    const registration = await running(await navigator.serviceWorker.register(worker));
    // Browsers try for ever where a network does not let them through.
    const subscription = await within(
      REACH_SECONDS,
      subscribed(registration, public_key),
      "this browser cannot reach its push service",
    );
    const { registration_id } = await ask(server, key, "/v4/devices", {
      ...subscription.toJSON(),
      public_key,
      registration_id: (await kept(`registration_id ${key}`)) || undefined,
      alias,
      tags,
      language: named || language(),
      time_zone: timeZone || zone(),
    });
    await keep(`registration_id ${key}`, registration_id);
    // The worker renews by these when the browser changes its subscription.
    await keep(`renewal ${registration.scope}`, { server, key, registration_id });
    return registration_id;
  }

  /* The browser's part alone: its push service tells Hammy at the next push that it is gone. */
  async function unsubscribe() {
    const left = (await navigator.serviceWorker.getRegistrations()).map(async (registration) => {
      const present = await registration.pushManager.getSubscription();
      return present ? present.unsubscribe() : false;
    });
    return (await Promise.all(left)).includes(true);
  }

  window.HammyPush = Object.freeze({ isSupported, subscribe, unsubscribe });
})();
